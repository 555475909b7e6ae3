"""Lists and texts of any length, of which only the visible lines are drawn."""
