"""What all verbs below `recon export` do: read the manifests, and report the differences."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from reconciler.cli.framework import controller
from reconciler.cli.framework.offline import facts_of
from reconciler.cli.framework.options import Where
from reconciler.convert.fields import Fate, Note
from reconciler.desired.directory.store import ManifestStore
from reconciler.model.state.desired import Problem, Workload
from reconciler.render.formats import count, local
from reconciler.render.status import problem
from reconciler.render.terminal import plain, width
from reconciler.system.files.trust import trusting
from reconciler.system.work.look import patiently

FORMAT_VERSION = 1


def declared(
    here: Where, names: list[str] | None, *, elsewhere: bool = False, with_secrets: bool = False
) -> tuple[list[Workload], list[str]]:
    """The apps by name, and a sentence for each problem in the manifests.

    ``elsewhere``: they are to run on other hosts, so this one need not have their programs and
    users. ``with_secrets``: `fromEnv` is read from the environment of this command.
    """
    store = ManifestStore(
        here.manifests,
        profile=here.profile,
        environ_is_controllers=with_secrets,
        cores=facts_of(here).cores,
        anchor=here.manifests if elsewhere else None,
        files=trusting(),
    )
    desired = patiently(lambda: store.draft().scan())
    chosen = controller.names(here, set(desired.apps), names, None) or set(desired.apps)
    problems = [sentence(one) for one in desired.problems]
    return [desired.apps[name] for name in sorted(chosen)], problems


def sentence(one: Problem) -> str:
    """A problem with its place, as other verbs print it."""
    keys = ("file", "line", "column", "path", "remedy")
    found = {**{key: getattr(one, key) for key in keys}, "message": one.text}
    return problem(found).strip()


def notes_document(notes: Iterable[Note]) -> list[dict[str, Any]]:
    """For ``--report json``."""
    return [{**note._asdict(), "fate": note.fate.value} for note in notes]


def report_lines(
    notes: Sequence[Note], everywhere: Sequence[str], problems: Sequence[str]
) -> Iterator[str]:
    """The report for people, below an empty line."""
    yield ""
    for app in dict.fromkeys(note.app for note in notes):
        yield app
        for fate in Fate:
            for note in notes:
                if note.app == app and note.fate is fate:
                    yield from _wrapped(f"{note.field}: {note.text}", f"  {fate.value:<8}")
    if everywhere:
        yield "everything"
    for text in everywhere:
        yield from _wrapped(text, f"  {Fate.DIFFERS.value:<8}")
    if problems:
        yield f"not exported: {count(len(problems), 'problem')} in the manifests"
        yield from (f"  {line}" for line in problems)


def _wrapped(text: str, head: str) -> list[str]:
    return textwrap.wrap(
        plain(local(text)),
        width(),
        initial_indent=f"{head}  ",
        subsequent_indent=" " * (len(head) + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
