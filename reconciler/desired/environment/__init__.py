"""Variables, env files and secret files."""
