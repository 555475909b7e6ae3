"""Manifests as systemd units that mean the same, and a report of what no unit can say.

Guarantee: no field that a user set is dropped in silence. A field counts as carried over only
when the code that writes its setting took its value (``Draft.take``); every other one is in the
report, also one that this exporter has never heard of. Values of secrets are never written.
"""
