"""All kinds of children."""

from __future__ import annotations

from e2e.matrix.ending import ENDING
from e2e.matrix.staying import STAYING

KINDS = (*STAYING, *ENDING)
