"""The journal, in SQLite: what it remembers, and the file."""
