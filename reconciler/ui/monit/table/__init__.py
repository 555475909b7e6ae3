"""The table of apps and instances: which rows, in which order, in which columns."""
