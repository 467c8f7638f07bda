"""Trees of scikit-learn as an emulator for xreg."""
