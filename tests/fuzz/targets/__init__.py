"""A module a target: ``check(data)`` raises where recon fails, ``SEEDS`` are the first inputs."""

NAMES = (
    "yaml_builder",
    "manifest",
    "edits",
    "dotenv",
    "imports",
    "http",
    "api",
    "log_lines",
    "log_files",
    "journal_rows",
    "journal_file",
    "messages",
)
