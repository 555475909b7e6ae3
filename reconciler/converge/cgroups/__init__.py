"""Groups of processes and their limits."""
