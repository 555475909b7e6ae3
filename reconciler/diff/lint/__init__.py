"""Advice on valid manifests."""
