"""Values that travel between the packages; imports nothing of ours."""
