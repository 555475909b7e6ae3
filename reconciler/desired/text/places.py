"""Where many fields are written: each file is read once, by a worker where that may wait."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from reconciler.desired.text.locate import Place, places_in
from reconciler.system.work.session import Session

TASK = f"{__name__}:find"


class Sought(NamedTuple):
    """A field of an app."""

    file: str
    app: str
    field: str
    """Dotted, below ``spec``, as a plan has it."""
    profile: str | None = None


Places = dict[tuple[str, str], Place]
"""By app and field."""


def places(sought: Iterable[Sought], session: Session | None = None) -> Places:
    """The places of these fields, as ``place_of`` has them."""
    of_files: dict[str, list[Sought]] = defaultdict(list)
    for one in sought:
        of_files[one.file].append(one)
    found: Places = {}
    for file, of_file in of_files.items():
        if session is not None:
            session.at(file)
        paths = [(one.app, one.field, one.profile) for one in of_file]
        keys = [(one.app, one.field) for one in of_file]
        found.update(zip(keys, places_in(file, paths), strict=True))
    return found


def find(sought: Iterable[Sought], session: Session) -> Places:
    """The same as a task."""
    return places(sought, session)
