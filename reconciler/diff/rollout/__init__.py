"""From one revision to the next: strategies, what holds them, how they end."""
