"""What several exporters share: the other direction of :mod:`xreg.core.readers`."""
