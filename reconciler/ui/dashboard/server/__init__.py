"""The page over HTTP: routes, the stream of changes, and the process."""
