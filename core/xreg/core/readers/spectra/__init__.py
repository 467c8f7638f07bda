"""Text spectra: from a file to named columns with units."""
