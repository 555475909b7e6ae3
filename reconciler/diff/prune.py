"""Prune safety: when is an app that no manifest declares really meant to be gone?

Guarantee (design.md#mistakes): only a clean absence in a complete scan, seen twice, is a deletion;
many deletions at once, or any in a directory that was swapped for another, wait for a person.
The count exists because "allow empty" alone is bypassed by one surviving file (Argo CD).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.state.desired import Desired, Workload

CLEAN_SCANS = 2
_UNREAD = "manifest removed; it keeps running until the journal can be read"


class Verdict(StrEnum):
    DELETE = "delete"
    WAIT = "wait"
    """The next scan decides."""
    HELD = "held"
    """A mistake must be fixed first: whether the removal is meant is unknown."""
    UNCONFIRMED = "unconfirmed"
    """A person has to confirm it."""

    @property
    def waits_for_a_person(self) -> bool:
        return self in (Verdict.HELD, Verdict.UNCONFIRMED)


@dataclass(frozen=True, slots=True)
class Absence:
    verdict: Verdict
    reason: str
    """A sentence."""


def absences(
    desired: Desired,
    known: Mapping[str, str | None],
    absent_scans: Mapping[str, int],
    *,
    confirmed: bool = False,
    root_changed: bool = False,
    unread: bool = False,
) -> Mapping[str, Absence]:
    """A verdict for every known app that ``desired`` does not declare.

    ``known`` maps the names of apps that run or are remembered to the file that declared them
    (None: not remembered); ``absent_scans`` says in how many complete scans in a row each was
    absent; ``confirmed`` is `recon apply --confirm-prune`; ``root_changed``: the directory is
    not the one that was last accepted; ``unread``: the journal cannot be read.
    """
    missing = sorted(known.keys() - desired.apps.keys())
    needed = _needed(desired) if missing else {}
    clean: list[str] = []
    gone = 0
    verdicts: dict[str, Absence] = {}
    for name in missing:
        doubt = _UNREAD if unread else _doubt(desired, known[name])
        if doubt is None:
            gone += absent_scans.get(name, 0) >= CLEAN_SCANS
            doubt = _need(needed.get(name))
        if doubt is not None:
            verdicts[name] = Absence(Verdict.HELD, doubt)
        elif absent_scans.get(name, 0) < CLEAN_SCANS:
            verdicts[name] = Absence(Verdict.WAIT, "manifest removed; waiting for a second look")
        else:
            clean.append(name)
    hold = None if confirmed else _hold(desired, clean, gone, known, root_changed)
    for name in clean:
        verdicts[name] = (
            Absence(Verdict.UNCONFIRMED, hold)
            if hold
            else Absence(Verdict.DELETE, "manifest removed")
        )
    return verdicts


def _doubt(desired: Desired, source: str | None) -> str | None:
    """Why the absence is not clean: something that could not be read may still declare the app."""
    if not desired.complete:
        return "the manifests directory cannot be read completely, so nothing is stopped"
    if desired.held is not None:
        return f"no manifest is applied now ({desired.held}), so it keeps running"
    for problem in desired.problems:
        if source is None or problem.file == source:
            return f"{problem.file} is invalid and may declare it, so it keeps running"
    return None


def _need(dependent: Workload | None) -> str | None:
    """Why it stays although it is gone: something that is declared needs it."""
    if dependent is None:
        return None
    return f"{dependent.name} ({dependent.source.file}) depends on it, so it keeps running"


def _needed(desired: Desired) -> Mapping[str, Workload]:
    """The apps that any depends on, each with the first that does."""
    found: dict[str, Workload] = {}
    for name in sorted(desired.apps):
        for need in desired.apps[name].spec.depends_on:
            found.setdefault(need.app, desired.apps[name])
    return found


def _hold(
    desired: Desired, clean: Collection[str], gone: int, known: Collection[str], root_changed: bool
) -> str | None:
    """Why deletions that are clean wait nevertheless, or None. ``gone``: how many apps no file
    declares any more, those among them that others need."""
    if not clean:
        return None
    settings = desired.settings
    confirm = "if that is meant, run `recon apply --confirm-prune`"
    if root_changed:
        lacks = f"the manifests directory was replaced by another, which lacks {_apps(clean)}"
        return f"{lacks}; it is accepted as soon as it declares every app that runs; {confirm}"
    deletions, total = len(clean), len(known)
    if not desired.apps and not settings.allow_empty:
        return f"the manifests directory no longer declares anything; {confirm}"
    if settings.max_prune is not None:
        limit = settings.max_prune
    elif settings.allow_empty and not desired.apps:
        limit = deletions
    else:
        limit = total // 2 if total > 3 else total - 1  # over half, or all of a few
    if gone > limit:
        return f"{gone} of {total} apps would be removed at once; {confirm}"
    return None


def _apps(names: Collection[str]) -> str:
    few = ", ".join(sorted(names)[:3])
    return few + (f" and {len(names) - 3} more" if len(names) > 3 else "")
