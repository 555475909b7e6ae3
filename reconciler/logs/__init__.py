"""The output of programs: written, rotated, compressed, and read again."""
