"""Which app a listening address belongs to: declared twice, it is a mistake that names both places.

Judged by what the files say now, all of them, so that two apps may swap their ports in one
deploy. Of two that clash the one that has the address keeps it, else the first by file and name.
Nothing here grows with the number of apps: an address is looked up by its port or path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from reconciler.desired.locate import place_of
from reconciler.model.address import Address
from reconciler.model.desired import DesiredApp, Problem

Holds = Callable[[str, Address], bool]
"""Whether the app of this name has the address, as of what was last believed."""


class Claim(NamedTuple):
    """One file's app wants one address."""

    file: str
    app: str
    address: Address


class Claims:
    """All claims of all files."""

    def __init__(self) -> None:
        self._at: dict[str | int, set[Claim]] = {}

    def change(self, file: str, before: DesiredApp | None, now: DesiredApp | None) -> set[str]:
        """A file declares an app anew (or no longer); the names of all whom that concerns."""
        old, new = ({*_claims(file, app)} for app in (before, now))
        concerned: set[str] = set()
        for claim in old ^ new:
            at = self._at.setdefault(claim.address.place, set())
            (at.add if claim in new else at.discard)(claim)
            concerned |= {other.app for other in at}
            if not at:
                del self._at[claim.address.place]
        return concerned

    def lost(self, file: str, app: DesiredApp, holds: Holds) -> Problem | None:
        """The clash in which another app has the better right; None where there is none."""
        for claim, rival in self._clashes(_claims(file, app)):
            if _right(rival, holds) < _right(claim, holds):
                return _problem(claim, rival)
        return None

    def problems(self) -> Iterator[Problem]:
        """One for each claim that clashes, at its place."""
        for at in self._at.values():
            if len(at) > 1:
                for claim, rival in self._clashes(sorted(at)):
                    yield _problem(claim, rival)

    def _clashes(self, claims: list[Claim]) -> Iterator[tuple[Claim, Claim]]:
        for claim in claims:
            for rival in sorted(self._at.get(claim.address.place, ())):
                if rival.app != claim.app and rival.address.overlaps(claim.address):
                    yield claim, rival


def _claims(file: str, app: DesiredApp | None) -> list[Claim]:
    sockets = app.spec.sockets if app is not None else ()
    return [Claim(file, app.name, socket.address) for socket in sockets if app is not None]


def _right(claim: Claim, holds: Holds) -> tuple[bool, Claim]:
    return (not holds(claim.app, claim.address), claim)


def _problem(claim: Claim, rival: Claim) -> Problem:
    line, column = _place(claim)
    other, _ = _place(rival)
    what = "" if rival.address == claim.address else f" (as {rival.address})"
    message = f"{claim.address} is also declared by {rival.app}{what} ({rival.file}:{other})"
    return Problem(claim.file, line, column, "spec.sockets", f"{message}; change one of them")


def _place(claim: Claim) -> tuple[int, int]:
    return place_of(claim.file, claim.app, "sockets")
