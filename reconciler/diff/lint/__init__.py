"""What is worth saying of a manifest that is valid."""
