"""What the host is, allows and uses."""
