"""An ecosystem file, and the JavaScript in it, becomes plain data."""
