"""Linux, without a word about apps: what several packages need of the operating system."""
