"""Each kind of child in each situation: docs/reliability.md has the table.

All kinds run at once; a test is a situation. A kind that this machine lacks is skipped by name."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from e2e.harness import Recon
from e2e.matrix.cells import OTHER, Cells
from e2e.matrix.kind import Kind
from e2e.matrix.kinds import KINDS


def kill(pid: int) -> None:
    descriptor = os.pidfd_open(pid)
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    os.close(descriptor)


def start(cells: Cells) -> None:
    cells.start()


def crash(cells: Cells) -> None:
    """kill -9 of each main process: what it left ends, and one other starts."""
    cells.start()
    kinds = [kind for kind in cells.kinds if kind.ends is None]
    before = {kind.name: {one.pid for one in cells.ledger(kind).alive()} for kind in kinds}
    for kind in kinds:
        kill(cells.main(kind))

    def replaced(kind: Kind) -> str:
        app = cells.app(kind)
        exits = [row["lastExit"] for row in app["instances"] if row["lastExit"]]
        if [(one["code"], one["signal"]) for one in exits] != [(None, "SIGKILL")]:
            return f"status shows the ends {exits}"
        if app["restarts"] != 1:
            return f"status shows {app['restarts']} restarts"
        left = before[kind.name] & {one.pid for one in cells.ledger(kind).alive()}
        return f"left of the killed one: {left}" if left else ""

    cells.settle(replaced, cells.as_declared, kinds=kinds)


def edit(cells: Cells) -> None:
    """Another version of each manifest: all processes are of that version then."""
    cells.start()
    cells.declare(2)

    def of_version(kind: Kind) -> str:
        entries = cells.ledger(kind).entries()
        if not any(one.version == "2" for one in entries):
            return "version 2 never ran"
        old = [one.pid for one in entries if one.version == "1" and one.lives()]
        return f"left of version 1: {old}" if old else ""

    cells.settle(of_version, cells.as_declared, most=2)


def stop(cells: Cells) -> None:
    """`suspend: true`."""
    cells.start()
    cells.declare(1, suspend=True)

    def suspended(kind: Kind) -> str:
        health = cells.app(kind).get("health")
        return "" if health == "Suspended" else f"status shows {health}"

    cells.settle(cells.gone, suspended)


def controller(cells: Cells) -> None:
    """kill -9 of the controller: the next one takes over the same processes, and can stop them."""
    cells.start()
    before = {kind.name: cells.ledger(kind).entries() for kind in cells.kinds}
    mains = {kind.name: cells.main(kind) for kind in cells.kinds}
    cells.recon.kill_controller()
    cells.recon.run()

    def adopted(kind: Kind) -> str:
        if kind.name == "fleeing":  # each of its children is another one
            return "" if cells.main(kind) == mains[kind.name] else "it was started again"
        return "" if cells.ledger(kind).entries() == before[kind.name] else "it was started again"

    cells.settle(cells.as_declared, adopted)
    cells.recon.cli("down")
    cells.recon.controller = None
    cells.settle(cells.gone, cells.lines)


def removal(cells: Cells) -> None:
    """The manifest is removed, and the app with it."""
    cells.start()
    (cells.recon.manifests / "kinds.yaml").unlink()

    def forgotten(kind: Kind) -> str:
        return "status shows the app" if cells.app(kind) else ""

    cells.settle(cells.gone, forgotten, cells.lines)


def down(cells: Cells) -> None:
    """`recon down`."""
    cells.start()
    cells.recon.cli("down")
    cells.recon.controller = None
    cells.settle(cells.gone, cells.lines)


@pytest.mark.parametrize("situation", [start, crash, edit, stop, controller, removal, down])
def test_each_kind_of_child_is_run_and_ended_as_declared(
    recon: Recon, situation: Callable[[Cells], None]
) -> None:
    cells = Cells(recon, situation.__name__)
    try:
        situation(cells)
        if recon.controller is not None:
            assert recon.healthy(OTHER)["restarts"] == 0
        # Who ends at once by itself has no process that could be killed.
        cells.close([one for one in KINDS if one.ends is None] if situation is crash else None)
    finally:
        cells.end()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.lacking], ids=lambda one: one.name)
def test_a_kind_that_this_machine_lacks_is_named(kind: Kind) -> None:
    pytest.skip(f"SKIPPED: {kind.name} ({kind.what}): {kind.lacking}")
