"""What an import did, for people and for programs: per app, what means something else now."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.convert.manifests.draft import TITLES, Draft, Fate, Note
from reconciler.convert.manifests.finalise import Bundle

FORMAT_VERSION = 1


def document(bundle: Bundle, written: Sequence[str], problems: Sequence[str]) -> dict[str, Any]:
    """For ``--report json``. Paths are absolute; nothing in it is secret."""
    return {
        "formatVersion": FORMAT_VERSION,
        "apps": [_app(draft, bundle) for draft in bundle.drafts],
        "sources": [{"file": file, "notes": _notes(notes)} for file, notes in bundle.notes.items()],
        "general": list(bundle.general),
        "written": list(written),
        "problems": list(problems),
    }


def text(bundle: Bundle, seen: Any, width: int) -> Iterator[str]:
    """Lines for people. ``seen`` makes a path one as seen from here."""
    for draft in bundle.drafts:
        path = os.path.join(bundle.vault.directory, f"{draft.title}.yaml")
        yield f"{draft.title}  {seen(draft.source)} → {seen(path)}"
        yield from _by_fate(draft.notes, width)
        for one in bundle.vault.moved:
            if one.app == draft.title:
                yield from _wrapped(f"{one.name}: {one.what}: moved to {seen(one.file)}", 2, width)
    for file, notes in bundle.notes.items():
        if notes:
            yield ""
            yield seen(file)
            yield from _by_fate(notes, width)
    if bundle.general:
        yield ""
        yield "For every app:"
        for sentence in bundle.general:
            yield from _wrapped(sentence, 2, width)


def _by_fate(notes: Sequence[Note], width: int) -> Iterator[str]:
    for fate in Fate:
        chosen = [note for note in notes if note.fate is fate]
        if chosen:
            yield f"  {TITLES[fate]}"
        for note in chosen:
            yield from _wrapped(f"{note.key}: {note.text}", 4, width)


def _wrapped(sentence: str, indent: int, width: int) -> list[str]:
    plain = "".join(c if c.isprintable() else " " for c in sentence)
    return textwrap.wrap(
        plain,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _app(draft: Draft, bundle: Bundle) -> dict[str, Any]:
    return {
        "name": draft.title,
        "sourceName": draft.name,
        "source": draft.source,
        "file": os.path.join(bundle.vault.directory, f"{draft.title}.yaml"),
        "notes": _notes(draft.notes),
        "secrets": [
            {"name": one.name, "file": one.file}
            for one in bundle.vault.moved
            if one.app == draft.title
        ],
    }


def _notes(notes: Sequence[Note]) -> list[dict[str, str]]:
    return [{"fate": note.fate.value, "key": note.key, "text": note.text} for note in notes]
