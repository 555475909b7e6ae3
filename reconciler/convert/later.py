"""What recon is to have and may not have yet: looked up in the model, field by field.

The one place that knows. A field that the model takes is written; one that it refuses is told as
not carried over yet. So the day the model gets it, the importers write it.
"""

from __future__ import annotations

import functools
from typing import Any

from reconciler.desired.validate import validate
from reconciler.model.manifest import AppSpec

# A value that says whether the model has the field.
_SAMPLES: dict[str, Any] = {
    "limits.memory": {"limits": {"memory": "300M"}},
    "watch": {"watch": {"paths": ["dist"], "ignore": ["*.map"]}},
    "build": {"build": {"command": "make", "inputs": ["src"]}},
}


@functools.cache
def is_there(path: str) -> bool:
    """Whether the model has the field at a dotted ``path``; of those not listed, it has."""
    sample = _SAMPLES.get(path)
    if sample is None:
        return True
    return isinstance(validate(AppSpec, {"command": ["any"], **sample}), AppSpec)


def names() -> list[str]:
    """All fields that this table is about."""
    return list(_SAMPLES)
