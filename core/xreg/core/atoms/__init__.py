"""Elements, absorption edges and neighbours."""
