"""What the controller knows, as it changes: the same for the page and for the terminal monitor."""
