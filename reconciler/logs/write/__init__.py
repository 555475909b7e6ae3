"""From a program's pipe to a file."""
