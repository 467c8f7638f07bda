"""What several descriptors share."""
