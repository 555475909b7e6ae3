"""Which pages there are, and what each is made of. A view is a key: browsers share its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reconciler.api.errors import ClientError
from reconciler.ui.dashboard.server.feed.reader import NoSuchAppError, Reader
from reconciler.ui.dashboard.views.event_rows import events_in
from reconciler.ui.dashboard.views.host import host_page
from reconciler.ui.dashboard.views.jobs import jobs_page
from reconciler.ui.dashboard.views.one_app import one_app
from reconciler.ui.dashboard.views.overview import Wanted, overview
from reconciler.ui.dashboard.views.pieces import Pieces
from reconciler.ui.live.snapshot import Snapshot

_EVENTS = 200


class View(Protocol):
    """Makes the pieces of one page; called in a thread. ClientError, NoSuchAppError."""

    def pieces(self, snapshot: Snapshot, reader: Reader) -> Pieces: ...


@dataclass(frozen=True, slots=True)
class OverviewView:
    """All apps."""

    wanted: Wanted

    def pieces(self, snapshot: Snapshot, reader: Reader) -> Pieces:
        return overview(snapshot, self.wanted, may_act=reader.may_act())


@dataclass(frozen=True, slots=True)
class AppView:
    """One app."""

    name: str

    def pieces(self, snapshot: Snapshot, reader: Reader) -> Pieces:
        known = reader.app(self.name, snapshot)
        return one_app(snapshot, known, may_act=reader.may_act())


@dataclass(frozen=True, slots=True)
class EventsView:
    """What happened. ``type``: ``Warning``, ``audit``, or empty for all."""

    type: str = ""

    def pieces(self, snapshot: Snapshot, reader: Reader) -> Pieces:
        events = snapshot.events
        if self.type == "Warning":
            events = tuple(one for one in events if one["type"] == "Warning")
        if self.type == "audit":
            events = tuple(one for one in events if one["by"])
        rows = events_in(events[-_EVENTS:])
        return Pieces(rows, {"events": tuple(rows)})


@dataclass(frozen=True, slots=True)
class JobsView:
    """All Jobs and when they run."""

    def pieces(self, snapshot: Snapshot, reader: Reader) -> Pieces:
        jobs = [app for app in snapshot.apps if app["kind"] == "Job"]
        specs = []
        for job in jobs:
            try:
                specs.append((job["name"], reader.app(job["name"], snapshot).described["spec"]))
            except (ClientError, NoSuchAppError):
                continue
        return jobs_page(jobs, specs, may_act=reader.may_act())


@dataclass(frozen=True, slots=True)
class HostView:
    """What the host lets recon do."""

    def pieces(self, snapshot: Snapshot, reader: Reader) -> Pieces:
        return host_page(reader.controller, reader.doctor.findings())


@dataclass(frozen=True, slots=True)
class FrameView:
    """Nothing but the frame: for pages that change by other means, as logs do."""

    def pieces(self, snapshot: Snapshot, reader: Reader) -> Pieces:
        return Pieces()
