"""External programs: how they are found and run."""
