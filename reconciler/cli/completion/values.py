"""What may stand in the place of a value, by the word that the help shows for it: ``APP``, ``DIR``.

A word of several with a bar between them, as ``text|json``, is the list of what may be written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any, NamedTuple

from reconciler.cli.completion import apps
from reconciler.cli.completion.bounded import found_within
from reconciler.cli.completion.line import Line
from reconciler.cli.framework.table import VERBS

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=,/@+-]*")
"""What no shell takes for anything but itself. Names of apps are of this kind; who puts another
thing into a file that is read here gets no offer of it."""
_MOST = 2000

_GIT = 0.4


class Source(Enum):
    """What the shell itself completes."""

    WORDS = "words"
    FILES = "files"
    FOLDERS = "folders"


class Offer(NamedTuple):
    """What may come: words with an explanation each, or what the shell looks for itself."""

    words: tuple[tuple[str, str], ...] = ()
    source: Source = Source.WORDS
    open: bool = False
    """More may follow a word at once: no blank behind it."""


FILES, FOLDERS = Offer(source=Source.FILES), Offer(source=Source.FOLDERS)


def values(line: Line) -> Offer:
    """What may stand in the place of the value that is being typed."""
    param = line.param
    for key in (*getattr(param, "opts", ()), param.metavar or ""):
        if key in _KINDS:
            return _safe(_KINDS[key](line))
    metavar = param.metavar or ""
    if "|" in metavar:
        return _safe(Offer(tuple((word, "") for word in metavar.split("|"))))
    return Offer()


def _safe(offer: Offer) -> Offer:
    kept = [(word, about) for word, about in offer.words if _SAFE.fullmatch(word)]
    return offer._replace(words=tuple(kept[:_MOST]))


def _apps(line: Line) -> Offer:
    """Those that were not named before. `resume` is for suspended ones, `suspend` for others."""
    wanted = {"suspend": False, "resume": True}.get(" ".join(line.path))
    found = apps.apps(line)
    if wanted is not None:
        found = [app for app in found if app.suspended in (None, wanted)]
    before = set(line.values.get(line.param.name, ()))
    return Offer(tuple((app.name, app.about) for app in found if app.name not in before))


def _apps_or_instances(line: Line) -> Offer:
    """An instance is offered when its app is typed already: there may be hundreds."""
    offer, typed = _apps(line), line.typed
    of_app = [app for app in apps.apps(line) if typed.startswith(f"{app.name}-")]
    more = tuple((name, app.about) for app in of_app for name in app.instances)
    return offer._replace(words=offer.words + more)


def _jobs(line: Line) -> Offer:
    return Offer(tuple((app.name, app.about) for app in apps.apps(line) if app.kind == "Job"))


def _counts(line: Line) -> Offer:
    """``APP=``, and behind it what need not be counted."""
    name, equals, _ = line.typed.partition("=")
    if equals:
        return Offer(tuple((f"{name}={word}", "") for word in ("1", "2", "max", "max-1")))
    return Offer(tuple((f"{app}=", about) for app, about in _apps(line).words), open=True)


def _labels(line: Line) -> Offer:
    """The last of several terms, as the labels of the manifests have it."""
    before, comma, _ = line.typed.rpartition(",")
    found = {
        f"{key}={value}" for one in apps.declared(line) for key, value in one["labels"].items()
    }
    return Offer(tuple((before + comma + term, "") for term in sorted(found)))


def _profiles(line: Line) -> Offer:
    found = {name for one in apps.declared(line) for name in one["profiles"]}
    return Offer(tuple((name, "") for name in sorted(found)))


def _reasons(_: Line) -> Offer:
    from reconciler.model.state.reason import EventReason  # noqa: PLC0415  only for events

    return Offer(tuple((one.value, "") for one in sorted(EventReason, key=lambda it: it.value)))


def _fields(line: Line) -> Offer:
    from reconciler.render.fieldhelp import names_below  # noqa: PLC0415  the models

    above, dot, _ = line.typed.rpartition(".")
    found = names_below(above or None)
    return Offer(tuple((above + dot + name, about) for name, about in found), open=True)


def _revisions(line: Line) -> Offer:
    def about(row: dict[str, Any]) -> str:
        state = "failed" if row["failed"] else "good" if row["good"] else "not rolled out"
        return f"{row['createdAt'][:19].replace('T', ' ')} {state}"

    newest = reversed(apps.revisions(line))
    return Offer(tuple((str(row["number"]), about(row)) for row in newest))


def _git_revisions(line: Line) -> Offer:
    """Branches and tags of the repository that the manifests are in."""
    root = os.path.expanduser(
        line.last("manifests") or os.environ.get("RECON_MANIFESTS") or "manifests"
    )

    def look() -> Iterator[str]:
        import subprocess  # noqa: PLC0415  only here

        words = ["git", "-C", root, "for-each-ref", "--count=500", "--format=%(refname:short)"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        yield from done.stdout.splitlines()

    return Offer(tuple((name, "") for name in ("HEAD", *found_within(_GIT, look)[0])))


def _verbs(_: Line) -> Offer:
    return Offer(tuple((name, "") for name in VERBS))


def _notify(line: Line) -> Offer:
    """Its one word; behind it come the names of receivers, which a manifest may not give."""
    return Offer() if line.values.get(line.param.name) else Offer((("test", "send a message"),))


def _times(_: Line) -> Offer:
    return Offer((("10m", "ten minutes ago"), ("1h", "an hour ago"), ("1d", "a day ago")))


def _durations(_: Line) -> Offer:
    return Offer(tuple((word, "") for word in ("30s", "5m", "1h")))


_KINDS: dict[str, Callable[[Line], Offer]] = {
    "--to-revision": _revisions,
    "--revision": _revisions,
    "APP": _apps,
    "APP|INSTANCE": _apps_or_instances,
    "APP=N": _counts,
    "JOB": _jobs,
    "LABELS": _labels,
    "PROFILE": _profiles,
    "REASON": _reasons,
    "FIELD": _fields,
    "REV": _git_revisions,
    "VERB": _verbs,
    "test [TARGET]": _notify,
    "TIME": _times,
    "WHEN": _times,
    "DURATION": _durations,
    "DIR": lambda _: FOLDERS,
    "FILE": lambda _: FILES,
    "FILE|DIR": lambda _: FILES,
}


def matching(words: Iterable[tuple[str, str]], typed: str) -> tuple[tuple[str, str], ...]:
    """Those that begin with what is typed."""
    return tuple((word, about) for word, about in words if word.startswith(typed))
