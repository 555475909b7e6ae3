"""The content of files that enters a revision."""
