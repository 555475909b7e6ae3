"""A journal with an app, a job, events, usage and notices, to be damaged."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from reconciler.model.state.event import Actor, EndDetails, Event
from reconciler.model.state.memory import AppMemory, Ended, Outcome, Run
from reconciler.model.state.observed import Exit
from reconciler.model.state.revision import Revision
from reconciler.state.journal.journal import Journal

BOOT = "boot"
MEMORY = AppMemory(
    revisions=(
        Revision(1, "a.-", {"command": ["x"]}, good=True, created_at=1.0),
        Revision(2, "b.-", {"command": ["y"]}, {"S": "k-1"}, 2.0, failed="no progress"),
    ),
    ended={3: Ended("b.-", Exit(1), 5.0, 4, 9.0, "why", served=True)},
    restarts={3: 7},
    paused=True,
    boot_id=BOOT,
)
JOB = AppMemory(
    revisions=(Revision(1, "a.-", {"command": ["x"], "kind": "Job"}, created_at=1.0),),
    runs=(Run(7, "a.-", "revision 1", 100.0, None, 101.0, 109.0, Outcome.SUCCEEDED, exit=Exit(0)),),
    last_run=7,
    called_revision=1,
    boot_id=BOOT,
)


@functools.cache
def template() -> bytes:
    """The database's file."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder, "recon.db")
        journal = Journal(path, BOOT)
        journal.remember("web", MEMORY, "/m/web.yaml")
        journal.remember("report", JOB, "/m/report.yaml")
        journal.record(Event("web", "Started", "started pid 10", instance=0))
        ended = EndDetails(code=7, uptime=1.5, stderr=("a", "b"))
        journal.record(Event("web", "Exited", "exited", "Warning", 0, end=ended))
        journal.record(Event("web", "Restarted", "by hand", by=Actor("restart", 0, "root")))
        journal.set_setting("root", "1:2")
        journal.close()
        return path.read_bytes()


def exercise(path: Path) -> dict[str, AppMemory]:
    """Open it, read all, write to it, close it; and look again. The memories as first read."""
    journal = Journal(path, BOOT)
    try:
        memories = dict(journal.memories())
        journal.take_news()
        journal.sources()
        journal.setting("root")
        journal.events(limit=50)
        journal.remember("later", JOB, None)
        journal.record(Event("later", "Started", "after the damage"))
        journal.commit()
    finally:
        journal.close()
    view = Journal.open_readonly(path, BOOT)
    if view is not None:
        view.memories()
        view.events(limit=50)
        view.close()
    return memories
