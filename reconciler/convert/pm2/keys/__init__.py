"""What becomes of the keys of one app, by theme."""
