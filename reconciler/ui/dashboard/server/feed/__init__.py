"""What the page knows, and how browsers hear of it."""
