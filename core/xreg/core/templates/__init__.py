"""What ``xreg plugins new`` starts from: a layout for each file, a template for each kind."""
