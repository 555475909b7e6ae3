"""What runs: starts, stops and ends of processes, their limits and what they use."""
