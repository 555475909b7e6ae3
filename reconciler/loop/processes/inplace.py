"""What an edit does to what runs, without a start or an end: a row for each group of fields.

Each plan reads the manifest again, so a field that only plans read needs no row: it is in
``PLANNED``. A row is for a part that keeps state: the log writer its files, a probe its timer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.model.state.desired import Workload

PLANNED = frozenset(
    {
        "backoff",
        "build",
        "depends_on",  # Declared knows who depends on whom
        "image",  # for other engines only
        "instances",
        "min_ready_seconds",
        "progress_deadline_seconds",
        "restart_policy",
        "restart_schedule",
        "revision_history_limit",
        "stop",
        "strategy",
        "success_exit_codes",
        "suspend",
        "time_zone",
        "watch",  # Declared watches the files
    }
)
"""Fields of an app that are applied in place, and that no row has."""


@dataclass(frozen=True, slots=True)
class _Row:
    fields: tuple[str, ...]
    apply: Callable[[Workload], object]
    removed: Callable[[str], object]

    def is_changed(self, before: Workload, after: Workload) -> bool:
        """Whether an edit concerns it. Another revision has other processes, which may have been
        told something else."""
        return before.hash != after.hash or any(
            getattr(before.spec, field, None)
            != getattr(after.spec, field, None)  # not all of a Job
            for field in self.fields
        )


class InPlace:
    """The rows, and the manifest of each app that was applied last."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self._applied: dict[str, Workload] = {}

    def register(
        self,
        *fields: str,
        apply: Callable[[Workload], object],
        removed: Callable[[str], object] = lambda name: None,
    ) -> None:
        """Call ``apply`` with an app where one of these fields has changed, and ``removed`` with
        the name of one that is declared no more."""
        self._rows.append(_Row(fields, apply, removed))

    @property
    def fields(self) -> frozenset[str]:
        """All that have a row."""
        return frozenset(field for row in self._rows for field in row.fields)

    def applied(self, name: str) -> Workload | None:
        """What was applied last of an app; None where it is not declared."""
        return self._applied.get(name)

    def declare(self, name: str, after: Workload | None) -> None:
        """An app is declared like this from now on; None: not at all."""
        before = self._applied.pop(name, None)
        if after is None:
            for row in self._rows:
                row.removed(name)
            return
        self._applied[name] = after
        self.apply_in_place(before, after)

    def apply_in_place(self, before: Workload | None, after: Workload) -> None:
        """Do to what runs what an edit asks for; ``before`` is None where nothing is known."""
        for row in self._rows:
            if before is None or row.is_changed(before, after):
                row.apply(after)
