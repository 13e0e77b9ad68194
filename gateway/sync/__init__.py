"""Makes a backend's inventory what a file says: compare, order the steps, take them, any number of times."""
