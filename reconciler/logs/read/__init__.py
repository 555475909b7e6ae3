"""From files to lines: search, follow, the last output."""
