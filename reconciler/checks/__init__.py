"""Judgements on manifests and the host that are no diff."""
