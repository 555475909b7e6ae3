"""Nomad as an engine: its HTTP API, by the standard library."""
