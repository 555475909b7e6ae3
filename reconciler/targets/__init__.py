"""Engines beyond this host, each in a folder of its name."""
