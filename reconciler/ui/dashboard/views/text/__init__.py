"""Texts of others and words of our own, as they may stand in a page."""
