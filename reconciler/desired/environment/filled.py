"""Which env and secret files were not empty once: all that may be remembered of them.

A rotation by truncate and write leaves a file empty for a while, and an empty one is valid. So a
file that is empty now, and was not, holds what it would change until it is written again, or until
the manifest says `allowEmpty: true`. One that was always empty is fine.
"""

from __future__ import annotations

import contextlib
import json

from pydantic import TypeAdapter, ValidationError

from reconciler.desired.cowdict import CowDict

_PATHS = TypeAdapter(list[str])


class Filled:
    """Paths; ``changed`` until they were written down."""

    def __init__(self) -> None:
        self._paths: CowDict[str, None] = CowDict()
        self.changed = False

    def copy(self) -> Filled:
        """The same, to be added to."""
        fresh = Filled()
        fresh._paths, fresh.changed = self._paths.copy(), self.changed
        return fresh

    def __contains__(self, path: str) -> bool:
        return path in self._paths

    def add(self, path: str) -> None:
        if path not in self._paths:
            self._paths[path] = None
            self.changed = True

    def learn(self, text: str | None) -> None:
        """What an earlier controller wrote with ``to_text``, if that can be read."""
        with contextlib.suppress(ValidationError):
            self._paths.update(dict.fromkeys(_PATHS.validate_json(text or "[]")))

    def to_text(self) -> str:
        """As the journal keeps them."""
        self.changed = False
        return json.dumps(sorted(self._paths))
