"""First coordination shell of the absorber, as a descriptor for xreg."""
