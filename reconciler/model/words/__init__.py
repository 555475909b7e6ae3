"""The grammar of single values, and names that both sides share."""
