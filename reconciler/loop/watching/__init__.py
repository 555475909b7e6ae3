"""Which files have changed."""
