"""Probes of what runs: who is asked, by which check, and whose answer it is."""
