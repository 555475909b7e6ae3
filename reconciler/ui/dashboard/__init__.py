"""A page in the browser: a client of the controller, in a process of its own."""
