"""Dial records: made from call ends, kept on disk, delivered whatever breaks."""
