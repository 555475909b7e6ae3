"""One manifest: read, merged, resolved and validated."""
