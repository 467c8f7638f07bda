"""CIF: from a file to frames."""
