"""Deciding the number within a deadline."""
