"""The documents as a site: README is its first page, `docs` the others, and the reference of fields
and commands is made from the models and the command line."""
