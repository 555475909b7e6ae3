"""Manifests as objects of Kubernetes that mean the same, and a report of what none can say.

Guarantee: as of ``convert.fields``. Values of secrets are written only into objects of their own,
and only where the user asked for them.
"""
