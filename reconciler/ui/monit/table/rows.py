"""The rows of the table: apps, and below an open one its instances."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from reconciler.ui.monit.table.order import instance_key, key_of

Document = Mapping[str, Any]


class Row(NamedTuple):
    """``instance`` is None in the row of the app itself."""

    app: Document
    instance: Document | None
    is_open: bool

    @property
    def key(self) -> str:
        """What stays the same from one document to the next."""
        name: str = self.app["name"]
        return f"{name}/{self.instance['name']}" if self.instance else name


class View(NamedTuple):
    """What the user has chosen to see."""

    opened: Collection[str] = ()
    order: str = "name"
    reverse: bool = False
    shown: Callable[[Document], bool] = lambda app: True


def rows_of(document: Document | None, view: View) -> list[Row]:
    """The rows of a status document."""
    if document is None:
        return []
    apps = sorted(filter(view.shown, document["apps"]), key=key_of(view.order))
    if view.reverse:
        apps.reverse()
    found = []
    for app in apps:
        is_open = app["name"] in view.opened
        found.append(Row(app, None, is_open))
        if is_open:
            below = sorted(app["instances"], key=instance_key(view.order))
            found += [Row(app, instance, True) for instance in below]
    return found
