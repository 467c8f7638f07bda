"""What several decomposers share."""
