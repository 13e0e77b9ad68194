"""One upstream, one file; `base` says what they have in common."""
