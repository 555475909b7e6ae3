"""Verbs that start and end the controller, now and at boot."""
