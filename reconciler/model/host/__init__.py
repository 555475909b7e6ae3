"""What the host says, as plain data."""
