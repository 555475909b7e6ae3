"""YAML as people write it: read, and edited byte by byte."""
