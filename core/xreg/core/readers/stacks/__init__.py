"""Files of many spectra on one energy axis: maps and series."""
