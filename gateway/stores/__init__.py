"""What is kept on disk, in memory or in Redis."""
