"""What the pieces exchange: samples, spectra, datasets, parameter spaces."""
