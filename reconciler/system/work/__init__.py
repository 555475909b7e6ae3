"""Work that may take long, or for ever: in threads and in worker processes."""
