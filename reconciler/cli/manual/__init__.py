"""The manual pages, made from the same commands as the help."""
