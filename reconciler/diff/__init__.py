"""Desired and observed meet; pure. ``plan`` is the only judge of what is to be done."""
