"""Measured spectra: from the tables of beamlines to specimens; importers share it."""
