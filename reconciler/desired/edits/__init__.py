"""Edits of manifests that verbs and the API make: planned, shown, and written to the file."""
