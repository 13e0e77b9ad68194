"""The `ani-gateway` command; one file a command group."""
