"""An event as one line, in columns: what `recon events`, `describe` and `recon run` show.

The columns of names begin as wide as most need, and grow with the names that come, so that what
follows a longer one stands below it: as far as a line of 80 columns has room for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reconciler.model.words.printable import plain

_LEAST, _MOST = 16, 20
"""Columns of a name. With the longest time, 15 are left of 80 for the message to begin in."""


def subject_of(app: str, instance: int | None) -> str:
    """``web-0``, ``web``; of an event of the controller itself ``recon``."""
    name = app or "recon"
    return name if instance is None else f"{name}-{instance}"


class Timeline:
    """Makes the lines, one after the other. ``reasons`` and ``subjects``: names that will come."""

    def __init__(self, reasons: Iterable[str] = (), subjects: Iterable[str] = ()) -> None:
        self._reason = _wide_enough(_LEAST, *reasons)
        self._subject = _wide_enough(_LEAST, *subjects)

    def line(
        self,
        when: str,
        subject: str,
        reason: str,
        message: str,
        painted: Callable[[str], str] = str,
    ) -> str:
        """``painted`` colours the reason. Without a subject there is no column for it."""
        self._reason = _wide_enough(self._reason, reason)
        self._subject = _wide_enough(self._subject, subject)
        shown = f"{plain(subject):<{self._subject}}  " if subject else ""
        what = painted(f"{plain(reason):<{self._reason}}")
        return f"{when}  {shown}{what}  {plain(message)}"


def _wide_enough(width: int, *names: str) -> int:
    """For these names too, but for those for which there is no room."""
    return max([width, *(len(name) for name in names if len(name) <= _MOST)])
