"""Documents as their readers follow them: each file is written, each command is run, and what it
prints is what the page says.

A fenced block that is a ``console`` has commands after `$ ` and what they print. One with a
``title`` is a file. `<!-- not run: REASON -->` before a block leaves it out, and
`<!-- needs: node -->` leaves out the page where there is no such program.
"""
