"""Work that may take long, or forever: in threads and in worker processes."""
