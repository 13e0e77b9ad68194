"""What operators and other programs ask a running gateway over HTTP."""
