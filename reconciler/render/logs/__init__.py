"""Lines that programs wrote, as people read them: levels in colour, JSON folded."""
