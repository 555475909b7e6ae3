"""Programs that end: when they run, and how their runs turn out."""
