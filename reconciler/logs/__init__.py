"""One subsystem: programs' output is written, rotated, compressed and read again."""
