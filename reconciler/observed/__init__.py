"""The host becomes observed state."""
