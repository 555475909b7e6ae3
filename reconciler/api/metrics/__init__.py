"""Metrics: what the controller tells in numbers, as Prometheus reads it."""
