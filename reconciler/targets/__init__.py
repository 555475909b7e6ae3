"""Engines beyond this host: what is declared here runs there.

Guarantee: nothing is sent while a manifest has a mistake, and what is removed there are only
objects that recon made, under the same guards as processes here (``diff.prune``).
"""
