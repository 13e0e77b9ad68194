"""FastAGI: the conversation with the dialplan."""
