"""What is wrong with a manifest or a host, and is not a difference to what runs."""
