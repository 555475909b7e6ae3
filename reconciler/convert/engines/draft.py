"""One app on its way to an engine, and what comes of all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.convert.fields import Fate, Fields, Note, set_fields
from reconciler.model.state.desired import DesiredApp, DesiredJob, Workload


class Refusal(NamedTuple):
    """Why an app is not exported, with the place of its manifest."""

    app: str
    file: str
    line: int
    path: str
    message: str
    remedy: str


class Refused(Exception):
    """An app that an engine cannot have: a field, what is wrong with it, what to do."""

    def __init__(self, path: str, message: str, remedy: str) -> None:
        super().__init__(f"{path}: {message}; {remedy}")
        self.path = path
        self.message = message
        self.remedy = remedy


class Exported(NamedTuple):
    """``files`` by name; ``secrets``: files that hold values of secrets."""

    files: Mapping[str, str]
    secrets: Mapping[str, str]
    notes: tuple[Note, ...]
    refused: tuple[Refusal, ...]


@dataclass(slots=True)
class Draft(Fields):
    """One app, with what an engine needs to know of it beside its fields."""

    zone: str
    """The time zone of this host."""
    is_job: bool = False
    by_cores: str = ""
    """As of ``DesiredApp``."""
    values: Mapping[str, str | bytes] | None = field(default=None, repr=False)
    """Of its secrets, where they are to be written; else None."""

    @property
    def completes(self) -> bool:
        """Whether it runs to an end: a Job, or an app that is not always restarted."""
        return self.is_job or self.peek("restartPolicy") in ("OnFailure", "Never")

    @property
    def instances(self) -> int:
        return int(self.fields.get("instances", 1))

    def whole_seconds(self, *path: str, least: int = 0) -> int | None:
        """A time as whole seconds, rounded up; None where none was set."""
        found = self.take(*path)
        if found is None:
            return None
        seconds: int = max(least, math.ceil(found))
        if seconds != found:
            text = f"is {seconds} s: only whole seconds, at least {least}, can be written"
            self.note(Fate.DIFFERS, text, *path)
        return seconds

    def take_instances(self) -> int:
        """How many, with a note where that was counted by cores."""
        self.take("instances")
        if self.by_cores:
            text = f"is {self.instances}, from the cores of this host; it does not change with them"
            self.note(Fate.DIFFERS, text, "instances")
        return self.instances


def draft_of(app: Workload, zone: str, *, with_secrets: bool) -> Draft:
    """The draft of an app; ``with_secrets``: with the values of its secrets."""
    return Draft(
        app.name,
        set_fields(app),
        zone,
        is_job=isinstance(app, DesiredJob),
        by_cores=app.by_cores if isinstance(app, DesiredApp) else "",
        values=app.secrets if with_secrets else None,
    )


def refusal_of(app: Workload, error: Refused) -> Refusal:
    """The refusal, with the place of the manifest."""
    where = (app.name, app.source.file, app.source.line)
    return Refusal(*where, error.path, error.message, error.remedy)
