"""What the help says of each verb, and which other words lead to it."""
