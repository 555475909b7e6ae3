"""Notifications on their way out: the process that sends them, apart from the controller."""
