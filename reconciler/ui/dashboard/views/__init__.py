"""Documents of the API as HTML."""
