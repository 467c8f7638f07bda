"""Descriptor, filter, scalers and emulator joined into a model, and how far to trust it."""
