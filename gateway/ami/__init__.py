"""The AMI link: Asterisk's events, heard without loss and turned into call ends."""
