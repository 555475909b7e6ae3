"""A stub at the gate: nothing runs before its limits, and a failure is told as without them."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.converge.isolation.user_account import account_of
from reconciler.converge.process import spawn as module
from reconciler.converge.process.spawn import Program, SpawnError, Started
from reconciler.model.host.procstat import parse_stat
from reconciler.model.state.observed import ProcessId
from tests.converge.conftest import ended, python, settle
from tests.waiting import until

REPORT = python(
    "import json, os\n"
    "print(json.dumps([dict(os.environ), sorted(os.listdir('/proc/self/fd')),\n"
    "    os.readlink('/proc/self/fd/0'), os.getsid(0) == os.getpid(), os.getcwd()]), flush=True)\n"
)


class Starter:
    """``spawn.start`` with and without a gate; what it started is ended."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.started: list[Started] = []

    def program(self, command: list[str], **environment: str) -> Program:
        variables = {"PATH": os.environ["PATH"], **environment}
        return Program(tuple(command), str(self.home), account_of(None, None), variables)

    def start(self, program: Program, limit: module.Limit | None, out: int = -3) -> Started:
        made = module.start(program, out, subprocess.DEVNULL, limit)
        self.started.append(made)
        settle(made.report)
        return made

    def close(self) -> None:
        for one in self.started:
            try:
                signal.pidfd_send_signal(one.pidfd, signal.SIGKILL)
                os.waitid(os.P_PIDFD, one.pidfd, os.WEXITED)
            except (ProcessLookupError, ChildProcessError):
                pass
            os.close(one.pidfd)
            one.report.close()


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    made = Starter(tmp_path)
    yield made
    made.close()


def nothing(id: ProcessId) -> None:
    """No limit at all, behind a gate all the same."""


def test_the_program_waits_until_its_limits_are_in_force(starter: Starter) -> None:
    mark = starter.home / "ran"
    seen: list[tuple[bool, bool]] = []

    def limit(id: ProcessId) -> None:
        line = Path(f"/proc/{id.pid}/stat").read_bytes()
        seen.append((parse_stat(line).starting, mark.exists()))

    started = starter.start(starter.program(["touch", str(mark)]), limit)
    until(lambda: ended(started.pidfd))
    assert mark.exists()
    assert seen == [(True, False)]


def test_a_program_sees_nothing_of_the_gate(starter: Starter) -> None:
    said = []
    for number, limit in enumerate((None, nothing)):
        path = starter.home / f"out{number}"
        fd = os.open(path, os.O_RDWR | os.O_CREAT)
        try:
            started = starter.start(starter.program(REPORT, A="1", PWD="/x"), limit, fd)
        finally:
            os.close(fd)
        until(lambda one=started: ended(one.pidfd))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        said.append(json.loads(path.read_text()))
    assert said[0] == said[1]
    environment, _, stdin, leads, _ = said[1]
    assert (environment["PWD"], stdin, leads) == ("/x", "/dev/null", True)


def bad(home: Path) -> dict[str, list[str]]:
    """Programs that cannot be started, each for a reason of its own."""
    texts = {
        "no-line": "exit 0\n",
        "no-interpreter": "#!/no/such/interpreter\n",
        "carriage-return": "#!/bin/sh\r\nexit 0\n",
        "not-executable": "#!/bin/sh\n",
        "empty": "",
        "other-machine": "\x7fELF\x02" + "\x01" * 13 + "\xf3\x00" + "\x00" * 100,
    }
    for name, text in texts.items():
        path = home / name
        path.write_bytes(text.encode("latin-1"))
        path.chmod(0o644 if name == "not-executable" else 0o755)
    (home / "folder").mkdir()
    commands = {name: [f"./{name}"] for name in (*texts, "folder", "missing")}
    return {**commands, "not-in-path": ["no-such-program"]}


def test_a_start_that_fails_is_told_as_without_a_gate(starter: Starter) -> None:
    for name, command in bad(starter.home).items():
        told = []
        for limit in (None, nothing):
            with pytest.raises(SpawnError) as caught:
                starter.start(starter.program(command), limit)
            told.append((str(caught.value), caught.value.transient))
        assert told[0] == told[1], name


def test_a_program_that_ends_at_once_has_been_started(starter: Starter) -> None:
    for command in (["true"], ["sh", "-c", "exit 127"], ["false"]):
        started = starter.start(starter.program(command), nothing)
        until(lambda one=started: ended(one.pidfd))  # type: ignore[misc]  # mypy cannot infer a lambda with a default


def test_a_limit_that_cannot_be_had_starts_nothing_and_leaves_nothing(starter: Starter) -> None:
    mark = starter.home / "ran"
    pids: list[int] = []

    def limit(id: ProcessId) -> None:
        pids.append(id.pid)
        raise SpawnError("limits.cpu cannot be applied: no", transient=False)

    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(SpawnError, match=r"limits\.cpu"):
        starter.start(starter.program(["touch", str(mark)]), limit)
    assert not Path(f"/proc/{pids[0]}").exists() and not mark.exists()
    assert len(os.listdir("/proc/self/fd")) == before


def test_variables_of_any_name_pass_the_gate(starter: Starter) -> None:
    path = starter.home / "out"
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        started = starter.start(starter.program(REPORT, **{"npm_config.x": "y"}), nothing, fd)
    finally:
        os.close(fd)
    until(lambda: ended(started.pidfd))
    assert json.loads(path.read_text())[0]["npm_config.x"] == "y"


def test_a_program_that_its_limits_kill_at_the_gate_is_told(starter: Starter) -> None:
    def limit(id: ProcessId) -> None:
        os.kill(id.pid, signal.SIGKILL)  # as the kernel would: memory.max below what a stub needs
        until(lambda: Path(f"/proc/{id.pid}/cmdline").read_bytes() == b"")

    with pytest.raises(SpawnError, match="its own limits stopped it"):
        starter.start(starter.program(["true"]), limit)


def test_a_limit_that_was_put_in_force_at_the_gate_stays(starter: Starter) -> None:
    def limit(id: ProcessId) -> None:
        resource.prlimit(id.pid, resource.RLIMIT_CORE, (0, 0))

    started = starter.start(starter.program(["sleep", "60"]), limit)
    assert resource.prlimit(started.id.pid, resource.RLIMIT_CORE) == (0, 0)
