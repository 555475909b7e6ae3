"""How recon is started by others: by a unit, by a manifest."""

from __future__ import annotations

import os
import sys

PACKAGED = "/usr/lib/recon"
"""The environment of the Debian package (packaging/deb)."""
_OF_PACKAGE = "/usr/bin/recon"


def program() -> list[str]:
    """The installed program by its path, else Python with the package that runs now.

    Of the Debian package it is the path that stays: the environment behind it may move."""
    if sys.prefix == PACKAGED and os.access(_OF_PACKAGE, os.X_OK):
        return [_OF_PACKAGE]
    python = os.path.abspath(sys.executable)
    program = os.path.join(os.path.dirname(python), "recon")
    return [program] if os.access(program, os.X_OK) else [python, "-P", "-m", "reconciler"]
