"""Manifests as jobs of Nomad that mean the same, and a report of what no job can say.

Guarantee: as of ``convert.fields``. Values of secrets are in Nomad's variables, never in a job.
"""
