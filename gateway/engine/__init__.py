"""The embedded assignment service: inventory, selection, HTTP API."""
