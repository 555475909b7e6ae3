"""Verbs for the user's shell: completion, manual pages."""
