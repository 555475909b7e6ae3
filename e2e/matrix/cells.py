"""A controller with an app of each kind, and what is true of each after something happened."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from e2e.harness import Recon, manifest
from e2e.matrix.kind import Kind
from e2e.matrix.kinds import KINDS
from e2e.matrix.ledger import Ledger
from e2e.programs import SLEEP
from e2e.reliability.results import Row, add
from tests.waiting import until

Oracle = Callable[[Kind], str]
"""What is wrong with a kind; empty where nothing is."""
OTHER = "bystander"
"""An app that nothing happens to."""
_SETTINGS = {"apiVersion": "recon/v1", "kind": "Settings", "spec": {"maxPrune": 1000}}


class Cells:
    """One situation: all kinds that this machine can have, under one controller."""

    def __init__(self, recon: Recon, situation: str) -> None:
        self.recon = recon
        self.situation = situation
        self.kinds = [kind for kind in KINDS if not kind.lacking]
        self._home = recon.manifests.parent / "programs"
        self._home.mkdir(mode=0o777)
        self._home.chmod(0o777)
        self._wrong: defaultdict[str, list[str]] = defaultdict(list)
        self._most: defaultdict[str, int] = defaultdict(int)
        self._status: dict[str, Any] = {}
        recon.write("recon.yaml", json.dumps(_SETTINGS))
        recon.app(OTHER, SLEEP)

    # -- what happens --------------------------------------------------------------------------

    def declare(self, version: int, **spec: Any) -> None:
        """Write a manifest that declares all kinds."""
        texts = [
            manifest(
                kind.name,
                kind.command(self.ledger(kind).path),
                **{
                    "env": {"VERSION": str(version)},
                    "backoff": {"initialSeconds": 1000, "maxSeconds": 1000},
                    "minReadySeconds": 0,
                    **kind.spec,
                    **spec,
                },
            )
            for kind in self.kinds
        ]
        self.recon.write("kinds.yaml", "\n---\n".join(texts))

    def start(self) -> None:
        """All kinds run, or have ended, for the first time."""
        self.declare(1)
        self.recon.run()
        self.settle(self.as_declared)
        self.settle(self.as_named)

    # -- what is true then ---------------------------------------------------------------------

    def ledger(self, kind: Kind) -> Ledger:
        return Ledger(self._home / kind.name)

    def app(self, kind: Kind) -> dict[str, Any]:
        return next((app for app in self._status["apps"] if app["name"] == kind.name), {})

    def main(self, kind: Kind) -> int:
        """The pid of its one main process, by its own word; 0 where there is none or more."""
        found = self.ledger(kind).alive("main")
        return found[0].pid if len(found) == 1 else 0

    def as_declared(self, kind: Kind) -> str:
        """One main process runs, which the status shows; or it shows how it ended."""
        app = self.app(kind)
        if kind.ends is not None:
            return self._ended(kind, app)
        main = self.main(kind)
        if not main:
            return f"{len(self.ledger(kind).alive('main'))} main processes run"
        shown = [row["pid"] for row in app.get("instances", [])]
        if shown != [main]:
            return f"status shows the pids {shown}, pid {main} runs"
        frozen = kind.name == "stopped" and app["instances"][0]["state"] == "frozen"
        if not frozen and (app["sync"], app["health"], app["ready"]) != ("Synced", "Healthy", 1):
            return f"status shows {app['sync']}, {app['health']}: {app['message']}"
        return ""

    def as_named(self, kind: Kind) -> str:
        """The program became what its name says: the matrix does not test it for nothing."""
        if kind.ends is not None:
            return ""
        try:
            return "" if kind.proof(self.main(kind)) else "the program is not what it is named"
        except OSError as error:
            return f"it cannot be looked at: {error}"

    def gone(self, kind: Kind) -> str:
        """No process of it is left."""
        left = self.ledger(kind).alive()
        return f"left: {', '.join(f'{one.role} pid {one.pid}' for one in left)}" if left else ""

    def lines(self, kind: Kind) -> str:
        """Each line that it wrote is in the log, once and whole."""
        if not kind.counts:
            return ""
        by_pid: defaultdict[int, list[int]] = defaultdict(list)
        for line in self.recon.log(kind.name):
            match = re.fullmatch(r"(\d+) (\d+)", line)
            if match is None:
                return f"torn: {line!r}"
            by_pid[int(match[1])].append(int(match[2]))
        for pid, count in self.ledger(kind).written().items():
            numbers = by_pid[pid]
            if numbers != [*range(1, len(numbers) + 1)] or len(numbers) not in (count, count + 1):
                return f"pid {pid} wrote {count} lines, of which {len(numbers)} are in the log"
        return ""

    def _ended(self, kind: Kind, app: dict[str, Any]) -> str:
        exits = [row["lastExit"] for row in app.get("instances", []) if row["lastExit"]]
        shown = [(one["code"], one["signal"]) for one in exits]
        if shown != [kind.ends]:
            return f"status shows the ends {shown}, not {kind.ends}"
        if app["instances"][0]["state"] != "backoff":
            return f"its state is {app['instances'][0]['state']}"
        return self.gone(kind)

    def end(self) -> None:
        """Stop everything; SIGKILL what a failed test left of any kind."""
        if self.recon.controller is not None:
            if self.recon.controller.poll() is None:
                self.recon.cli("down", code=None)
            self.recon.controller = None
        for kind in self.kinds:
            ledger = self.ledger(kind)
            until(partial(_kill_all, ledger), what=f"the end of {kind.name}")

    # -- the verdict ---------------------------------------------------------------------------

    def settle(self, *oracles: Oracle, kinds: Iterable[Kind] | None = None, most: int = 1) -> None:
        """Wait until nothing is wrong with any of the kinds; what stays wrong is noted.

        At no look may more than ``most`` main processes of one kind run."""
        left: dict[str, str] = {}
        pending = [*(self.kinds if kinds is None else kinds)]

        def settled() -> bool:
            self._status = self.recon.status()
            for kind in pending:
                count = len(self.ledger(kind).alive("main"))
                self._most[kind.name] = max(self._most[kind.name], count)
            assert not self._status["errors"], self._status["errors"]
            left.clear()
            left.update({kind.name: _first(oracles, kind) for kind in pending})
            pending[:] = [kind for kind in pending if left[kind.name]]
            return not pending

        try:
            until(settled, seconds=30, what=self.situation)
        except AssertionError:
            if not left:
                raise
            for kind in pending:
                self._wrong[kind.name].append(left[kind.name])
        for name, count in self._most.items():
            if count > most:
                self._wrong[name].append(f"{count} main processes ran at once")
        self._most.clear()

    def close(self, kinds: Collection[Kind] | None = None) -> None:
        """Keep the result of each cell, or of those of some kinds; AssertionError for those that
        went wrong."""
        rows = [
            Row(
                f"{kind.name} × {self.situation}",
                kind.what,
                "skipped" if kind.lacking else "failed" if self._wrong[kind.name] else "held",
                kind.lacking or "; ".join(self._wrong[kind.name]),
            )
            for kind in KINDS
            if kind.lacking or kinds is None or kind in kinds
        ]
        add("children", rows)
        wrong = {name: what for name, what in self._wrong.items() if what}
        assert not wrong, json.dumps(wrong, indent=1)


def _kill_all(ledger: Ledger) -> bool:
    """SIGKILL all; whether there was none left, not even one that was forked meanwhile."""
    left = ledger.alive()
    for one in left:
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(one.pid)
            if one.lives():
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            os.close(descriptor)
    return not left


def _first(oracles: Iterable[Oracle], kind: Kind) -> str:
    return next((wrong for oracle in oracles if (wrong := oracle(kind))), "")
