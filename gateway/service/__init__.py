"""Wires the parts together and runs them."""
