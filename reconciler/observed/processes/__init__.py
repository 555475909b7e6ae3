"""Which processes are whose."""
