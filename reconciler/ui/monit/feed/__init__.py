"""Where the monitor's documents come from, and what the eye has when none come."""
