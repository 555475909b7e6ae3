"""A stop: preStop, the signal to the main process, the stragglers, SIGKILL; with real processes."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.converge.process.spawn import Spawned
from reconciler.converge.process.stop import Stopper
from reconciler.model.host.procstat import parse_stat
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.observed import RunState
from tests.converge.conftest import MakeApp, SpawnApp, python
from tests.waiting import until


class Hands:
    """What the controller's Host does: signals by pidfd, notices exits, tells the Stopper.

    Members of a nonce are found by the tag in /proc/PID/environ, their pidfds opened once.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.sent: list[tuple[str, int]] = []
        self.failures: list[str] = []
        self.mains: dict[str, Spawned] = {}
        self.dead: set[str] = set()
        self.stopper = Stopper(loop, self.signal, self.signal_all, self._failed)

    def _failed(self, _: str, sentence: str) -> None:
        self.failures.append(sentence)

    def signal(self, nonce: str, signum: int) -> bool:
        self.sent.append(("main", signum))
        if nonce in self.dead:
            return False
        try:
            signal.pidfd_send_signal(self.mains[nonce].pidfd, signum)
        except ProcessLookupError:
            return False
        return True

    def signal_all(self, nonce: str, signum: int) -> None:
        self.sent.append(("all", signum))
        for pid in self.members(nonce):
            try:
                pidfd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            if pid in self.members(nonce):
                signal.pidfd_send_signal(pidfd, signum)
            os.close(pidfd)

    def members(self, nonce: str) -> list[int]:
        """Living processes with the nonce."""
        found = []
        for folder in Path("/proc").iterdir():
            try:
                alive = parse_stat((folder / "stat").read_bytes()).state not in "ZX"
                environ = (folder / "environ").read_bytes()
            except (OSError, ValueError):
                continue
            if alive and f"/{nonce}\0".encode() in environ:
                found.append(int(folder.name))
        return found

    def watch(self, spawned: Spawned) -> str:
        nonce = spawned.process.tag.nonce
        self.mains[nonce] = spawned

        def exited() -> None:
            self.loop.remove_reader(spawned.pidfd)
            os.waitid(os.P_PIDFD, spawned.pidfd, os.WEXITED)
            self.dead.add(nonce)
            self.stopper.main_exited(nonce)
            self._look(nonce)

        self.loop.add_reader(spawned.pidfd, exited)
        return nonce

    def _look(self, nonce: str) -> None:
        if self.members(nonce):
            self.loop.call_later(0.01, self._look, nonce)
        else:
            self.stopper.gone(nonce)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Run the loop until ``condition()``."""

        def turn() -> bool:
            self.loop.call_later(0.005, self.loop.stop)
            self.loop.run_forever()
            return bool(condition())

        until(turn, what=what)

    def until_over(self, nonce: str) -> None:
        self.until(lambda: nonce in self.dead and nonce not in self.stopper, "the end of the stop")


@pytest.fixture
def hands(loop: asyncio.AbstractEventLoop) -> Iterator[Hands]:
    made = Hands(loop)
    yield made
    for nonce in made.mains:
        made.signal_all(nonce, signal.SIGKILL)
    made.stopper.close()


@pytest.fixture
def run(make_app: MakeApp, spawn_app: SpawnApp, hands: Hands, tmp_path: Path) -> Any:
    """Start Python code that touches ``ready`` when it is set up; returns app, process, nonce."""

    def begin(source: str, **spec: Any) -> tuple[DesiredApp, Spawned, str]:
        prelude = (
            "import os, pathlib, signal, subprocess, sys, time\n"
            "def note(t):\n"
            "    fd = os.open('log', os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)\n"
            "    os.write(fd, (t + '\\n').encode())\n"
            "    os.close(fd)\n"
        )
        app = make_app(python(prelude + source), **spec)
        spawned = spawn_app(app)
        nonce = hands.watch(spawned)
        until(lambda: said(tmp_path), what="the program's first line")
        return app, spawned, nonce

    return begin


WAIT = "note('ready')\nwhile True: signal.pause()\n"
IGNORES = "signal.signal(signal.SIGTERM, lambda *_: note('asked'))\n" + WAIT


def said(tmp_path: Path) -> bool:
    """Has the program written a line? That the file is there does not say so yet."""
    log = tmp_path / "log"
    return log.exists() and log.read_text().endswith("\n")


def lines(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().splitlines()


def timers(loop: asyncio.AbstractEventLoop) -> list[Any]:
    scheduled = loop._scheduled  # type: ignore[attr-defined]  # what the promise is about
    return [handle for handle in scheduled if not handle.cancelled()]


def test_a_program_that_obeys_is_gone_at_once_and_leaves_no_timer(run: Any, hands: Hands) -> None:
    app, spawned, nonce = run(WAIT)
    hands.stopper.stop(spawned.process, app.spec.stop, 3600, app)
    hands.until_over(nonce)
    assert timers(hands.loop) == []
    assert ("main", signal.SIGKILL) not in hands.sent


def test_the_signal_is_the_manifests(run: Any, hands: Hands, tmp_path: Path) -> None:
    app, spawned, nonce = run(
        "signal.signal(signal.SIGQUIT, lambda *_: (note('quit'), os._exit(0)))\n" + WAIT,
        stop={"signal": "SIGQUIT"},
    )
    hands.stopper.stop(spawned.process, app.spec.stop, 3600, app)
    hands.until_over(nonce)
    assert lines(tmp_path) == ["ready", "quit"]


def test_a_program_that_ignores_the_signal_is_killed_after_the_grace_period(
    run: Any, hands: Hands, tmp_path: Path
) -> None:
    app, spawned, nonce = run(IGNORES)
    began = time.monotonic()
    hands.stopper.stop(spawned.process, app.spec.stop, 0.4, app)
    hands.until_over(nonce)
    assert time.monotonic() - began >= 0.4
    assert lines(tmp_path) == ["ready", "asked"]
    assert ("main", signal.SIGKILL) in hands.sent


def test_no_grace_is_sigkill(run: Any, hands: Hands, tmp_path: Path) -> None:
    app, spawned, nonce = run(IGNORES, stop={"preStop": ["touch", "hook"]})
    hands.stopper.stop(spawned.process, app.spec.stop, 0, app)
    hands.until_over(nonce)
    assert not (tmp_path / "hook").exists()


CHILD = """
signal.signal(signal.SIGTERM, lambda *_: (note('child asked'), {end}))
note('child'){wait}
"""
PARENT = """
code = {child!r}
child = subprocess.Popen([sys.executable, "-c", {prelude!r} + code], start_new_session=True)
while not (os.path.exists('log') and os.path.getsize('log')): time.sleep(0.01)
def asked(*_):
    note('parent asked')
    os._exit(0)
signal.signal(signal.SIGTERM, asked)
note('ready')
while True: signal.pause()
"""
PRELUDE = (
    "import os, signal\n"
    "def note(t):\n"
    "    fd = os.open('log', os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)\n"
    "    os.write(fd, (t + '\\n').encode())\n"
    "    os.close(fd)\n"
)


def with_child(end: str) -> str:
    child = CHILD.format(end=end, wait="\nwhile True: signal.pause()")
    return PARENT.format(child=child, prelude=PRELUDE)


def ready(tmp_path: Path) -> bool:
    return "ready" in lines(tmp_path)


def test_only_the_main_process_is_signalled_at_first_then_what_it_left_behind(
    run: Any, hands: Hands, tmp_path: Path
) -> None:
    app, spawned, nonce = run(with_child("os._exit(0)"))
    until(lambda: ready(tmp_path))
    hands.stopper.stop(spawned.process, app.spec.stop, 3600, app)
    hands.until_over(nonce)
    assert lines(tmp_path) == ["child", "ready", "parent asked", "child asked"]
    assert timers(hands.loop) == []


def test_a_child_that_holds_on_in_a_session_of_its_own_is_killed_at_the_deadline(
    run: Any, hands: Hands, tmp_path: Path
) -> None:
    app, spawned, nonce = run(with_child("None"))
    until(lambda: ready(tmp_path))
    hands.stopper.stop(spawned.process, app.spec.stop, 0.5, app)
    hands.until_over(nonce)
    assert lines(tmp_path)[-1] == "child asked"
    assert hands.members(nonce) == []
    assert ("all", signal.SIGKILL) in hands.sent


def test_prestop_runs_before_the_signal_with_the_apps_environment_and_main_pid(
    run: Any, hands: Hands, tmp_path: Path
) -> None:
    app, spawned, nonce = run(
        "signal.signal(signal.SIGTERM, lambda *_: (note('asked'), os._exit(0)))\n" + WAIT,
        env={"WORD": "hello"},
        stop={"preStop": ["sh", "-c", 'echo "hook $WORD $RECON_PID $PWD" >> log']},
    )
    hands.stopper.stop(spawned.process, app.spec.stop, 3600, app)
    hands.until_over(nonce)
    hook = f"hook hello {spawned.process.id.pid} {tmp_path}"
    assert lines(tmp_path) == ["ready", hook, "asked"]
    assert hands.failures == []


def test_a_prestop_that_hangs_is_killed_with_the_app_at_the_deadline(
    run: Any, hands: Hands, tmp_path: Path
) -> None:
    app, spawned, nonce = run(
        IGNORES, stop={"preStop": ["sh", "-c", "echo $$ >> hook; sleep 600; true"]}
    )
    hands.stopper.stop(spawned.process, app.spec.stop, 0.5, app)
    hands.until_over(nonce)
    hands.until(lambda: hands.failures, "word of the hook")
    assert hands.failures == ["preStop did not end within the grace period; it was killed"]
    assert not Path("/proc", (tmp_path / "hook").read_text().strip()).exists()
    assert "asked" not in lines(tmp_path)


@pytest.mark.parametrize(
    ("hook", "sentence"), [(["false"], "exit code 1"), (["./missing"], "there is no file")]
)
def test_a_prestop_that_fails_is_told_and_the_stop_goes_on(
    run: Any, hands: Hands, hook: list[str], sentence: str
) -> None:
    app, spawned, nonce = run(WAIT, stop={"preStop": hook})
    hands.stopper.stop(spawned.process, app.spec.stop, 3600, app)
    hands.until_over(nonce)
    assert sentence in hands.failures[0]


def test_a_program_that_ends_during_prestop_ends_the_hook_too(run: Any, hands: Hands) -> None:
    app, spawned, nonce = run(WAIT, stop={"preStop": ["sleep", "600"]})
    hands.stopper.stop(spawned.process, app.spec.stop, 3600, app)
    signal.pidfd_send_signal(spawned.pidfd, signal.SIGKILL)
    hands.until_over(nonce)
    assert timers(hands.loop) == []
    assert hands.failures == []


def test_a_hook_that_has_just_begun_ends_with_its_program(run: Any, hands: Hands) -> None:
    """Before its exec it has no nonce in its environment: no look for the nonce finds it."""
    app, spawned, nonce = run(WAIT, stop={"preStop": ["sleep", "600"]})
    hands.stopper = Stopper(hands.loop, hands.signal, lambda nonce, signum: None)
    hands.stopper.stop(spawned.process, app.spec.stop, 3600, app)
    signal.pidfd_send_signal(spawned.pidfd, signal.SIGKILL)
    hands.until_over(nonce)


def test_a_frozen_program_is_thawed_so_that_it_can_act_on_the_signal(
    run: Any, hands: Hands, tmp_path: Path
) -> None:
    app, spawned, nonce = run(
        "signal.signal(signal.SIGTERM, lambda *_: (note('asked'), os._exit(0)))\n" + WAIT
    )
    signal.pidfd_send_signal(spawned.pidfd, signal.SIGSTOP)
    frozen = dataclasses.replace(spawned.process, state=RunState.FROZEN)
    hands.stopper.stop(frozen, app.spec.stop, 3600, app)
    hands.until_over(nonce)
    assert lines(tmp_path) == ["ready", "asked"]


def test_a_second_stop_changes_nothing_but_a_shorter_grace(
    run: Any, hands: Hands, tmp_path: Path
) -> None:
    app, spawned, nonce = run(IGNORES)
    began = hands.stopper.stop(spawned.process, app.spec.stop, 3600, app)
    hands.until(lambda: "asked" in lines(tmp_path), "the signal")
    assert hands.stopper.stop(spawned.process, app.spec.stop, 7200, app) == began
    assert len(timers(hands.loop)) == 1
    hands.stopper.stop(spawned.process, app.spec.stop, 0.1, app)
    hands.until_over(nonce)
    assert lines(tmp_path) == ["ready", "asked"]
    assert timers(hands.loop) == []


def test_a_grace_that_is_edited_during_a_stop_counts_from_its_beginning(
    run: Any, hands: Hands, tmp_path: Path
) -> None:
    app, spawned, nonce = run(IGNORES)
    hands.stopper.stop(spawned.process, app.spec.stop, 3600, app)
    hands.until(lambda: "asked" in lines(tmp_path), "the signal")
    (first,) = timers(hands.loop)
    hands.stopper.change_grace(nonce, 7200)
    (longer,) = timers(hands.loop)
    assert 3500 < longer.when() - first.when() < 3700
    hands.stopper.change_grace(nonce, 0.1)
    hands.until_over(nonce)
    assert timers(hands.loop) == []
    hands.stopper.change_grace(nonce, 5)  # nothing stops any more


def test_a_stop_begun_by_an_earlier_controller_keeps_its_deadline_and_its_hook_is_not_rerun(
    run: Any, hands: Hands, tmp_path: Path
) -> None:
    app, spawned, nonce = run(IGNORES, stop={"preStop": ["touch", "hook"]})
    began = time.clock_gettime(time.CLOCK_BOOTTIME) - 3600
    old = dataclasses.replace(spawned.process, state=RunState.STOPPING, stopping_at=began)
    hands.stopper.restore(old, app.spec.stop, 3600.2)
    hands.until_over(nonce)
    assert ("main", signal.SIGKILL) in hands.sent
    assert not (tmp_path / "hook").exists()


def test_word_of_processes_that_nobody_stops_has_no_effect(hands: Hands) -> None:
    hands.stopper.main_exited("unknown")
    hands.stopper.gone("unknown")
    assert hands.sent == []


def test_what_survives_a_sigkill_is_killed_again(loop: asyncio.AbstractEventLoop) -> None:
    """A process that forks all the time may have a child that the first round missed."""
    from reconciler.model.state.observed import Process, ProcessId, Tag

    sent: list[int] = []

    def all_of(_: str, signum: int) -> None:
        sent.append(signum)
        if sent.count(signal.SIGKILL) == 2:
            loop.stop()

    stopper = Stopper(loop, lambda nonce, signum: False, all_of)
    stopper.stop(Process(Tag("s", "a", 0, "h", "n"), ProcessId(1, 1), 0), grace=0)
    loop.call_later(15, loop.stop)
    loop.run_forever()
    stopper.close()
    assert sent.count(signal.SIGKILL) == 2
