"""Assembles the settings from file, environment and flags."""
