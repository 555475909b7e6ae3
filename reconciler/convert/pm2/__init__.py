"""PM2's ecosystem files, and what PM2 remembers of what it runs."""
