"""Conformal prediction: intervals that hold what they state."""
