"""What a shell offers at the Tab key: the line so far, and what may come next."""
