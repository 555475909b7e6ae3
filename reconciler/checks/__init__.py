"""What is wrong with a manifest or a host, and is no difference to what runs."""
