"""ani-gateway: the right caller ID for every outbound Asterisk call."""

__version__ = "0.1.0"
