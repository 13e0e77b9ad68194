"""Shipped fakes: Asterisk, upstream and scenarios, for demo, call and the tests."""
