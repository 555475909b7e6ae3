"""Verbs that look: state, usage, output, events, metrics."""
