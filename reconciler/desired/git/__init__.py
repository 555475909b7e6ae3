"""Manifests of another commit."""
