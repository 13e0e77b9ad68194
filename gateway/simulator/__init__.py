"""An Asterisk and an upstream without either: shipped fakes for the demo, `call` and the tests."""
