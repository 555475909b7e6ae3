"""Which app an address or a log file belongs to: declared twice, it is a mistake at both places.

Judged by what the files say now, all of them, so that two apps may swap their ports in one
deploy. Of two that clash the one that has it keeps it, else the first by file and name.
Nothing here grows with the number of apps: what is claimed is looked up by its port or path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from reconciler.desired.cowdict import CowDict
from reconciler.desired.manifest import logplaces
from reconciler.desired.text.locate import place_of
from reconciler.desired.text.yaml import Path
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Problem, Workload
from reconciler.model.words import logname
from reconciler.model.words.address import Address


class LogFile(NamedTuple):
    """A file that output goes to, by its place (``logname``)."""

    path: str

    def __str__(self) -> str:
        return self.path

    @property
    def place(self) -> str:
        """Two files can be one only where this is the same."""
        return f"log {logname.alike(self.path)}"

    def overlaps(self, other: Address | LogFile) -> bool:
        return isinstance(other, LogFile) and logname.overlap(self.path, other.path)


Claimed = Address | LogFile
Holds = Callable[[str, Claimed], bool]
"""Whether the app of this name has it, as of what was last believed."""


class Claim(NamedTuple):
    """One file's app wants one address, or one file for its logs."""

    file: str
    app: str
    what: Claimed
    field: Path


def claimed(spec: ProgramSpec) -> Iterator[tuple[Path, Claimed]]:
    """(field, what) of all that an app wants for itself."""
    for socket in spec.shared_sockets:
        yield ("sockets",), socket.address
    for field, place in logplaces.declared(spec):
        yield field, LogFile(place)


class Claims:
    """All claims of all files."""

    def __init__(self) -> None:
        self._at: CowDict[str | int, frozenset[Claim]] = CowDict()
        self._contested: set[str | int] = set()
        """Places with more than one claim: no clash is anywhere else."""

    def copy(self) -> Claims:
        """The same, to be changed."""
        fresh = Claims()
        fresh._at, fresh._contested = self._at.copy(), {*self._contested}
        return fresh

    def change(self, file: str, before: Workload | None, now: Workload | None) -> set[str]:
        """A file declares an app again (or no longer); the names of all whom that concerns."""
        old, new = ({*_claims(file, app)} for app in (before, now))
        concerned: set[str] = set()
        for claim in old ^ new:
            place = claim.what.place
            at = self._at.get(place, frozenset())
            at = at | {claim} if claim in new else at - {claim}
            concerned |= {other.app for other in at}
            self._put(place, at)
        return concerned

    def lost(self, file: str, app: Workload, holds: Holds) -> Problem | None:
        """The clash in which another app has the better right; None where there is none."""
        for claim, rival in self._clashes(_claims(file, app)):
            if _right(rival, holds) < _right(claim, holds):
                return _problem(claim, rival)
        return None

    def problems(self) -> Iterator[Problem]:
        """One for each claim that clashes, at its place."""
        for place in self._contested:
            for claim, rival in self._clashes(sorted(self._at[place], key=_order)):
                yield _problem(claim, rival)

    def _put(self, place: str | int, at: frozenset[Claim]) -> None:
        if at:
            self._at[place] = at
        else:
            self._at.pop(place, None)
        (self._contested.add if len(at) > 1 else self._contested.discard)(place)

    def _clashes(self, claims: list[Claim]) -> Iterator[tuple[Claim, Claim]]:
        for claim in claims:
            for rival in sorted(self._at.get(claim.what.place, ()), key=_order):
                if rival.app != claim.app and _overlap(rival.what, claim.what):
                    yield claim, rival


def _order(claim: Claim) -> tuple[str, str, str]:
    return (claim.file, claim.app, str(claim.what))


def _overlap(one: Claimed, other: Claimed) -> bool:
    if isinstance(one, LogFile):
        return one.overlaps(other)
    return isinstance(other, Address) and one.overlaps(other)


def _claims(file: str, app: Workload | None) -> list[Claim]:
    if app is None:
        return []
    return [Claim(file, app.name, what, field) for field, what in claimed(app.spec)]


def _right(claim: Claim, holds: Holds) -> tuple[bool, str, str]:
    return (not holds(claim.app, claim.what), claim.file, claim.app)


def _problem(claim: Claim, rival: Claim) -> Problem:
    line, column = _place(claim)
    other, _ = _place(rival)
    what = "" if rival.what == claim.what else f" (as {rival.what})"
    verb = "written to" if isinstance(claim.what, LogFile) else "declared"
    message = f"{claim.what} is also {verb} by {rival.app}{what} ({rival.file}:{other})"
    path = ".".join(map(str, ("spec", *claim.field)))
    return Problem(claim.file, line, column, path, message, remedy="change one of them")


def _place(claim: Claim) -> tuple[int, int]:
    return place_of(claim.file, claim.app, claim.field)
