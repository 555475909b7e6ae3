"""A look at what an app watches, as a task of a worker process (``system/work/worker.py``).

What was read stays in the worker, so that a look at files that have not changed reads none. An
answer holds what may be new to the controller, and no more: digests, the folders where these are
others than before, and the names of a few files that changed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from reconciler.desired.watched.trees import Scope, Trees, TreeTooLarge, changed
from reconciler.system.work.session import Session

LOOK = f"{__name__}:look"
DISCOVER = f"{__name__}:discover"
OWN = "ours"
"""What recon writes itself, among what tasks share."""
_NAMED = 2


class Watching(NamedTuple):
    """What an app watches."""

    paths: tuple[str, ...]
    ignore: tuple[str, ...]
    cwd: str


class Question(NamedTuple):
    """One look. Looks are numbered."""

    watching: Watching
    number: int
    followed: int
    """The look whose content is that of the app now."""
    folders_of: int
    """The look of which the controller knows the folders."""


class Found(NamedTuple):
    """What a look has found."""

    digests: dict[str, str]
    """By watched path; without those that hold no file."""
    changed: tuple[str, ...]
    """The first files that are others than when the content was followed last."""
    changes: int
    """How many there are in all."""
    folders: frozenset[str] | None
    """All folders in which something may come to be content; None: as before."""
    apart: frozenset[str] = frozenset()
    """With ``folders``: the files that are to be watched by themselves."""


class Refused(NamedTuple):
    """What is watched is too large to be looked at."""

    message: str
    remedy: str


def look(question: Question, session: Session) -> Found | Refused:
    """Look at all that an app watches."""
    memo, number = session.memo, question.number
    trees = _trees(question.watching, session)
    try:
        digests = dict(trees.look(session.at))
    except TreeTooLarge as error:
        return Refused(error.message, error.remedy)
    files = trees.files()
    known, latest = memo.get("followed"), memo.get("latest")
    if latest is not None and latest[0] == question.followed:
        known = memo["followed"] = latest
    memo["latest"] = (number, files)
    is_known = known is not None and known[0] == question.followed
    names = changed(known[1], files) if known is not None and is_known else []
    folders, apart = frozenset(trees.folders()), frozenset(trees.apart())
    if memo.get("folders") == (question.folders_of, folders, apart):
        return Found(digests, tuple(names[:_NAMED]), len(names), None)
    memo["folders"] = (number, folders, apart)
    return Found(digests, tuple(names[:_NAMED]), len(names), folders, apart)


def discover(argument: tuple[Watching, tuple[str, ...]], session: Session) -> set[str]:
    """The folders that matter at and below paths that have come to be; none where too many."""
    watching, paths = argument
    trees = _trees(watching, session)
    try:
        return {folder for path in paths for folder in trees.discover(path, session.at)}
    except TreeTooLarge:
        return set()  # the next look tells


def _trees(watching: Watching, session: Session) -> Trees:
    """Those that are kept for the owner; a scope takes a millisecond to be made."""
    memo: dict[str, Any] = session.memo
    made_of = (watching, session.shared[OWN])
    known = memo.get("made of")
    if known is None or known[0] != watching or known[1] is not made_of[1]:
        scope = Scope(*watching, own=session.shared[OWN])
        if "trees" in memo:
            memo["trees"].use(scope)
        else:
            memo["trees"] = Trees(scope)
        memo["made of"] = made_of
    trees: Trees = memo["trees"]
    return trees
