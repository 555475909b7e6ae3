"""Verbs about manifests as files: check, begin, explain, convert."""
