"""The system that recon is to replace first, in small: a NestJS API, a React page, their PM2 files.

``backend`` and ``frontend`` are what a user has in git; ``project`` makes a copy of it that is
installed and built, ``page`` looks at it in a browser.
"""
