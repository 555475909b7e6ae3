"""What is known of an app's logs beside the files: where they are, and how times were written.

``<state>/logs/<app>.json``, for those who read logs while no manifest is at hand or says the same
any more. Only what differs from recon's own way is in it; what was once true stays, for the files
that were written then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_VERSION = 1
_FIELDS = ("places", "errors", "mixed", "timestamps")
MOST = 16
"""Places and formats that are remembered."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The latest comes first."""

    places: tuple[str, ...] = ()
    """Absolute paths of files for both streams, ``logname.INSTANCE`` and all."""
    errors: tuple[str, ...] = ()
    """The same, of those for standard error alone."""
    mixed: tuple[str, ...] = ()
    """Those that both streams went to; recon's own places as well."""
    timestamps: tuple[str, ...] = ()
    """Formats for ``strftime``, local time."""

    def with_first(
        self,
        places: Iterable[str] = (),
        errors: Iterable[str] = (),
        mixed: Iterable[str] = (),
        timestamps: Iterable[str] = (),
    ) -> Catalog:
        """The same with these as the latest."""
        return Catalog(
            _first(places, [one for one in self.places if one not in errors]),
            _first(errors, [one for one in self.errors if one not in places]),
            _first(mixed, self.mixed),
            _first(timestamps, self.timestamps),
        )

    def text(self) -> str:
        known = {name: getattr(self, name) for name in _FIELDS}
        return json.dumps({"formatVersion": _VERSION, **known}) + "\n"

    @classmethod
    def parse(cls, text: str | bytes) -> Catalog:
        """An empty one where it is none."""
        try:
            data = json.loads(text)
            return cls(*(_texts(data.get(name)) for name in _FIELDS))
        except (ValueError, AttributeError, RecursionError):
            return cls()


def _first(new: Iterable[str], old: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*new, *old]))[:MOST]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
