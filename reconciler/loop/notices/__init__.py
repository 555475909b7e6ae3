"""Notifications, as far as the controller has to do with them: what is to be sent, and by whom."""
