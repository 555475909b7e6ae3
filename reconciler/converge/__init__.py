"""A plan's actions become effects."""
