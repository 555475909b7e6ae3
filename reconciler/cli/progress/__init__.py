"""Waiting for the controller while the user looks on."""
