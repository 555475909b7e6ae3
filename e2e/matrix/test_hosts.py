"""Each fault of a host, and each promise that recon keeps meanwhile: docs/reliability.md."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from e2e.harness import Recon, alive
from e2e.matrix.disks import disk
from e2e.matrix.faults import FAULTS, Fault
from e2e.reliability.results import Row, add
from tests.waiting import until

SECONDS = 30
"""Until something counts as wrong."""


_NAMES = ("idle", "still", "web", "once", "later")


class Host:
    """One controller with three apps and a Job, on a host with one fault."""

    def __init__(self, recon: Recon, fault: Fault) -> None:
        self.recon = recon
        self.fault = fault
        self.rows: list[Row] = []
        self._ran = Path()

    def prepare(self, stack: ExitStack) -> None:
        recon = self.recon
        recon.started_by = [*self.fault.started_by]
        (recon.manifests.parent / "logs").mkdir()
        # What is started as any user may write there.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recon-ran-")))
        folder.chmod(0o777)
        self._ran = folder / "ran"
        if self.fault.disk is not None:
            stack.enter_context(disk(self.fault.disk(recon), self.fault.options))
        recon.app("idle", ["sleep", "1000"], minReadySeconds=0)
        self.edit(1)
        self.job("once")
        recon.run()
        recon.app("still", ["sleep", "1000"], minReadySeconds=0)
        for name in ("idle", "still", "web", "once"):
            recon.healthy(name)

    def edit(self, version: int) -> None:
        logs = self.recon.manifests.parent / "logs"
        self.recon.app(
            "web",
            ["sh", "-c", f"while :; do echo {'x' * 2000}; sleep 0.02; done"],
            env={"VERSION": str(version)},
            minReadySeconds=0,
            terminationGracePeriodSeconds=1,
            logs={"stdout": str(logs / "web.log")},
        )

    def job(self, name: str) -> None:
        """A Job that notes each of its runs."""
        document = {"apiVersion": "recon/v1", "kind": "Job", "metadata": {"name": name}}
        spec = {"command": ["sh", "-c", f"echo {name} >> {self._ran}"]}
        self.recon.write(f"{name}.yaml", json.dumps({**document, "spec": spec}))

    def promise(self, name: str, kept: Callable[[], Any], why_not: str = "") -> None:
        """Note whether it becomes true in time."""
        wrong = ""
        if not why_not:
            try:
                until(kept, seconds=SECONDS, what=name)
            except AssertionError as error:
                wrong = f"{error}; {self.shown()[:1200]}"
        result = "skipped" if why_not else "failed" if wrong else "held"
        case = f"{self.fault.name} × {name}"
        self.rows.append(Row(case, self.fault.what, result, why_not or wrong))

    def shown(self) -> str:
        """What the status says, as a user reads it."""
        texts = [self.recon.cli("status", *names, code=None) for names in ((), ("web",))]
        return " ".join(" ".join(texts).split())

    def runs(self) -> list[str]:
        """The Jobs that ran, a name for each run."""
        return sorted(self._ran.read_text().split()) if self._ran.exists() else []

    def close(self) -> None:
        add("hosts", self.rows)
        wrong = [f"{row.case}: {row.detail}" for row in self.rows if row.result == "failed"]
        assert not wrong, "\n".join(wrong)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What a test has to undo after its recon has ended."""
    with ExitStack() as undo:
        yield undo


def test_what_runs_goes_on_and_all_is_as_declared_when_the_fault_is_over(
    stack: ExitStack, recon: Recon, fault: Fault
) -> None:
    stack.callback(recon.close)
    host = Host(recon, fault)
    host.prepare(stack)
    assert recon.controller is not None
    before = {**recon.pids("idle"), **recon.pids("web"), **recon.pids("still")}
    with fault.lasts(recon):
        controller = recon.controller.pid
        if fault.edits == "":
            host.edit(2)
            host.job("later")
        host.promise("status", lambda: _named(host, fault), "" if fault.named else fault.silent)
        _kill(before["idle-0"])
        host.promise("crash", lambda: _corrected(recon, before["idle-0"]), fault.corrects)
        host.promise("runs", lambda: alive(before["still-0"]))
    if fault.edits:
        host.edit(2)
        host.job("later")
    host.promise("recovers", lambda: _as_declared(recon, before) and recon.controller is not None)
    host.promise("edit", lambda: _version(recon.pids("web").get("web-0", 0)) == "2")
    host.promise("Job once", lambda: host.runs() == ["later", "once"], fault.twice)
    assert recon.controller.pid == controller and recon.controller.poll() is None
    host.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault" in metafunc.fixturenames:
        marks = [
            pytest.param(
                fault,
                id=fault.name,
                marks=pytest.mark.skipif(bool(fault.lacking), reason=fault.lacking),
            )
            for fault in FAULTS
        ]
        metafunc.parametrize("fault", marks)


def _named(host: Host, fault: Fault) -> bool:
    shown = host.shown()
    return any(word in shown for word in fault.named)


def _kill(pid: int) -> None:
    descriptor = os.pidfd_open(pid)
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    os.close(descriptor)


def _corrected(recon: Recon, killed: int) -> bool:
    """Another process runs in the place of the killed one."""
    return recon.pids("idle").get("idle-0") not in (None, killed)


def _as_declared(recon: Recon, before: dict[str, int]) -> bool:
    status = recon.status()
    apps = [app for app in status["apps"] if app["name"] in _NAMES]
    replaced = recon.pids("web").get("web-0") != before["web-0"] and _corrected(
        recon, before["idle-0"]
    )
    good = all((app["sync"], app["health"]) == ("Synced", "Healthy") for app in apps)
    same = recon.pids("still").get("still-0") == before["still-0"]
    return good and len(apps) == len(_NAMES) and replaced and same


def _version(pid: int) -> str:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    return next((one[8:].decode() for one in variables if one.startswith(b"VERSION=")), "")
