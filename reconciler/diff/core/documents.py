"""The documents of specs, remembered: to write one takes a tenth of a plan, and between two edits
it never changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Workload
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.revision import document_of

_MOST = 4096


class Documents:
    """By app, a spec and its document, of which the last revision has the same."""

    def __init__(self) -> None:
        self._written: dict[str, tuple[ProgramSpec, Mapping[str, Any]]] = {}

    def of(self, app: Workload, memory: AppMemory) -> Mapping[str, Any]:
        """What the manifest says: the last revision's own document, where that says the same."""
        last = memory.revisions[-1].spec if memory.revisions else None
        spec, document = self._written.get(app.name, (None, None))
        if document is not None and document is last and spec is app.spec:
            return document
        written = document_of(app.spec)
        if last is None or written != last:
            return written
        if len(self._written) >= _MOST:
            self._written.clear()
        self._written[app.name] = app.spec, last
        return last
