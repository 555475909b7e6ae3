"""The controller as a process: how it starts, what it prints, what systemd hears."""
