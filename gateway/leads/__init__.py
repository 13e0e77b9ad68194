"""Lists of leads: read, assigned ahead of their calls, and written again."""
