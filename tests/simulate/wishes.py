"""What a person means apps to be in the course of a run, and the edits by which that is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

SECRET = "hunter2-{seed}-do-not-show"


class Op(NamedTuple):
    """One step of an edit: ``write``, ``remove``, ``take away`` or ``bring back``."""

    at: float
    what: str
    file: str = ""
    text: str = ""
    why: str = ""


@dataclass(frozen=True)
class Wish:
    """What a person means an app to be, mistakes in files aside."""

    kind: str
    program: str
    version: str
    instances: int
    suspended: bool = False
    fields: tuple[tuple[str, Any], ...] = ()
    """Of the spec, by name."""

    @property
    def is_job(self) -> bool:
        return self.kind in ("once", "retried", "cron")

    @property
    def wanted(self) -> int:
        return 0 if self.suspended else self.instances

    def manifest(self, name: str) -> str:
        spec: dict[str, Any] = {"command": ["sh", self.program, self.version], **dict(self.fields)}
        if not self.is_job:
            spec["instances"] = self.instances
        if self.suspended:
            spec["suspend"] = True
        kind = "Job" if self.is_job else "App"
        whole = {"apiVersion": "recon/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        return yaml.safe_dump(whole, sort_keys=False)


class Meant(NamedTuple):
    """From when on an app is meant to be so; None: it is not declared, or need not be."""

    at: float
    wish: Wish | None


@dataclass
class Scenario:
    """``ops`` in the order of time; ``meant`` by app."""

    seed: int
    ops: list[Op] = field(default_factory=list)
    meant: dict[str, list[Meant]] = field(default_factory=dict)
    until: float = 0.0
    """When the last edit is made."""

    def wishes(self, app: str, since: float, until: float) -> list[Wish | None]:
        """All that it was meant to be within this time."""
        meant = self.meant.get(app, [])
        ends = [*(one.at for one in meant[1:]), float("inf")]
        return [
            one.wish
            for one, end in zip(meant, ends, strict=True)
            if one.at <= until and end >= since
        ]

    def last(self, app: str) -> Wish | None:
        return self.meant[app][-1].wish
