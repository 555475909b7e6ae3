"""The controller's HTTP on a unix socket, and its client."""
