"""Where a field of an app is written, found by reading its file again.

Places are printed for a handful of fields only (``manifests/backend.yaml:11`` beside a plan), so
none are kept in memory: the controller holds thousands of apps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.desired.files import read_regular
from reconciler.desired.text import yaml
from reconciler.desired.text.yaml import Document, Fault, Path
from reconciler.model.spec.manifest import WORKLOADS
from reconciler.system.files.trust import Trust

Place = tuple[int, int]
NOWHERE: Place = (0, 0)


def place_of(file: str, app: str, path: str | Path, profile: str | None = None) -> Place:
    """Line and column (from 1) of a field; of what stands around it where it is not written.

    ``path`` is below ``spec``: dotted, as a plan has it, or in steps. ``profile`` is the one in
    force: what it says comes first. One that begins with ``metadata`` is from the document's top.
    ``NOWHERE`` where the file does not declare ``app`` any more.
    """
    return places_in(file, [(app, path, profile)])[0]


def places_in(file: str, fields: Iterable[tuple[str, str | Path, str | None]]) -> list[Place]:
    """The places of several fields (app, path, profile) of one file, which is read once."""
    documents = [*_documents(file)]
    return [_place(documents, app, path, profile) for app, path, profile in fields]


def place_in_settings(file: str, path: Path) -> Place:
    """Line and column of a field of the Settings in a file; ``NOWHERE`` where they are not."""
    for document in _documents(file):
        if isinstance(document.data, dict) and document.data.get("kind") == "Settings":
            return document.place(path)
    return NOWHERE


def _place(documents: Iterable[Document], app: str, path: str | Path, profile: str | None) -> Place:
    for document in declarations(documents, app):
        steps: list[str | int] = [*(path.split(".") if isinstance(path, str) else path)]
        if steps[:1] == ["metadata"]:
            return document.key_place(tuple(steps))
        found = _written(document, steps, profile)
        return document.key_place(found) if found != ("spec",) else _of_name(document)
    return NOWHERE


def _documents(file: str) -> Iterable[Document]:
    """The documents of a file; none where it cannot be read."""
    try:
        return yaml.parse(yaml.decode(read_regular(file, yaml.MAX_BYTES, Trust())))
    except (OSError, Fault):
        return ()


def declarations(documents: Iterable[Document], app: str) -> Iterator[Document]:
    """The documents that declare an app of this name, or a Job: they share one space of names."""
    for document in documents:
        data = document.data
        if isinstance(data, dict) and str(data.get("kind")) in WORKLOADS:
            metadata = data.get("metadata")
            if isinstance(metadata, dict) and metadata.get("name") == app:
                yield document


def _written(document: Document, steps: list[str | int], profile: str | None) -> Path:
    """Where the field is written: in the profile or else in the spec, as deep as it goes."""
    if profile is not None:
        found, is_all = _deepest(document, ("spec", "profiles", profile), steps)
        if is_all:
            return found
    return _deepest(document, ("spec",), steps)[0]


def _deepest(document: Document, path: Path, steps: list[str | int]) -> tuple[Path, bool]:
    """How far the path is written, and whether that is all of it.

    A step may be several words of a dotted path: names of variables may hold dots.
    """
    for count in range(1, len(steps) + 1):
        step = steps[0] if count == 1 else ".".join(map(str, steps[:count]))
        if (*path, step) in document.marks:
            return _deepest(document, (*path, step), steps[count:])
    return path, not steps


def _of_name(document: Document) -> Place:
    return document.place(("metadata", "name"))
