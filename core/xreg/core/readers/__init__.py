"""One reader of spectra, one of structures, and what is told of what was read."""
