"""A module a target: ``check(data)`` raises where recon fails, ``SEEDS`` are the first inputs."""

INPUTS = {
    "yaml_builder": 100_000,
    "manifest": 8_000,
    "edits": 40_000,
    "dotenv": 30_000,
    "imports": 3_500,
    "http": 35_000,
    "api": 28_000,
    "log_lines": 35_000,
    "log_files": 4_500,
    "journal_rows": 1_300,
    "journal_file": 1_200,
    "messages": 9_000,
}
"""How many new ones the tests try of each: about seven seconds of one core. A number, not a time:
what holds on a slow machine holds on a fast one."""
NAMES = tuple(INPUTS)
