"""The manifests directory that was accepted last: another in its place is seen."""

from __future__ import annotations

from reconciler.model.state.memory import Recall
from reconciler.state.journal.journal import Journal

Root = tuple[int, int]
"""Device and inode."""
_NONE: Root = (-1, -1)
"""That of no directory."""


def accepted(journal: Journal) -> Root | None:
    """The directory; one that no directory is, where the record was lost. None: none yet."""
    text = journal.setting("root")
    if text is None:
        return _NONE if journal.state.unremembered is Recall.LOST else None
    device, _, inode = text.partition(":")
    try:
        return int(device), int(inode)
    except ValueError:
        return _NONE


def accept(journal: Journal, root: Root) -> None:
    """Remember the directory."""
    journal.set_setting("root", f"{root[0]}:{root[1]}")
