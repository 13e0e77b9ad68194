"""One file a dialplan verb, named as the dialplan calls it."""
