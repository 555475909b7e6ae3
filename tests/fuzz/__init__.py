"""Readers of foreign input under damaged and invented input, guided by coverage (atheris)."""
