"""The spec as which a process is asked, stopped and judged: that of its own revision, if known."""

from __future__ import annotations

from reconciler.diff.status.review import last_spec
from reconciler.loop.manifests.declared import Declared
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.observed import Process
from reconciler.model.state.revision import Revision, same_revision, spec_of
from reconciler.state.history import History


class Specs:
    """Looks into what is declared, then into what is remembered."""

    def __init__(self, declared: Declared, history: History) -> None:
        self._declared = declared
        self._history = history
        self._made: tuple[Revision, ProgramSpec] | None = None

    def of_app(self, name: str) -> ProgramSpec:
        """As declared now, else as last applied."""
        app = self._declared.apps().get(name)
        return app.spec if app is not None else last_spec(self._history.memory(name))

    def of(self, process: Process) -> ProgramSpec:
        """As its own revision was last applied, so that it is asked what it can answer."""
        own = self.own(process)
        return own if own is not None else self.of_app(process.tag.app)

    def own(self, process: Process) -> ProgramSpec | None:
        """As its own revision was last applied; None where that is neither declared, as far as is
        known by now, nor remembered: it was started right before a crash, say."""
        name, hash = process.tag.app, process.tag.hash
        app = self._declared.apps().get(name)
        if app is not None and same_revision(app.hash, hash):
            return app.spec
        revisions = reversed(self._history.memory(name).revisions)
        own = next((one for one in revisions if same_revision(one.hash, hash)), None)
        if own is None:
            return None
        if self._made is None or self._made[0] is not own:  # a thousand instances may ask for it
            self._made = own, spec_of(own)
        return self._made[1]
