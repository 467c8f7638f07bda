"""Models of computed spectra, brought to measured ones by a few of these."""
