"""The AGI conversation, without sockets."""
