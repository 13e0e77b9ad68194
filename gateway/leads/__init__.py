"""Lists of leads: read, assigned ahead, pulled and pushed, taken up again where they broke off."""
