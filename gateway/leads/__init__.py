"""Lists of leads in files: brought in, sent out, taken up again where they were broken off."""
