"""Listening sockets that outlive the instances."""
