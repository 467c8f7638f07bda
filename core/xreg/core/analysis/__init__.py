"""What analyses look at, and what several of them share."""
