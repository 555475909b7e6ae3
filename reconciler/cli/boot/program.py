"""How recon is started by others: by a unit, by a manifest."""

from __future__ import annotations

import os
import sys


def program() -> list[str]:
    """The installed program by its path, else Python with the package that runs now."""
    python = os.path.abspath(sys.executable)
    program = os.path.join(os.path.dirname(python), "recon")
    return [program] if os.access(program, os.X_OK) else [python, "-P", "-m", "reconciler"]
