"""Counters, logs and the list of recent calls."""
