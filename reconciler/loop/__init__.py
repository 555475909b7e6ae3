"""The controller: observe, diff, converge, again."""
