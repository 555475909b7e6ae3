"""A command line, as a person types it, becomes a first manifest."""
