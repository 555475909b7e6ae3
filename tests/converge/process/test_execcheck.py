"""The exec check: as the app runs, within its time, and nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from reconciler.converge.process import execcheck, helper
from reconciler.converge.process.execcheck import exec_check
from reconciler.model.state.observed import Process, ProcessId
from tests.converge.conftest import MakeApp, new_tag
from tests.waiting import until


def instance() -> Process:
    return Process(new_tag(), ProcessId(os.getpid(), 1), 0.0)


def check(app: object, *command: str, seconds: float = 60) -> tuple[bool, str]:
    return asyncio.run(exec_check(app, instance(), command, seconds))  # type: ignore[arg-type]


def test_the_exit_code_is_the_verdict(make_app: MakeApp) -> None:
    app = make_app(["sleep", "1"])
    assert check(app, "true") == (True, "true ended with exit code 0")
    assert check(app, "sh", "-c", "exit 3") == (False, "sh -c 'exit 3' ended with exit code 3")
    assert check(app, "sh", "-c", "kill -9 $$") == (
        False,
        "sh -c 'kill -9 $$' ended with SIGKILL (signal 9)",
    )


def test_a_program_that_is_not_there_is_a_sentence(make_app: MakeApp) -> None:
    ok, message = check(make_app(["sleep", "1"]), "no-such-program")
    assert not ok and "no such program in PATH" in message


def test_it_has_the_directory_and_the_environment_of_the_app(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app(["sleep", "1"], env={"COLOUR": "blue"})
    script = (
        f'[ "$COLOUR" = blue ] && [ "$(pwd)" = {tmp_path} ] && [ "$RECON_PID" = {os.getpid()} ]'
    )
    assert check(app, "sh", "-c", script)[0]


def test_one_that_takes_too_long_is_ended_with_its_children(
    make_app: MakeApp, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 100000 & echo $! $$ > {pids}; wait"
    ok, message = check(make_app(["sleep", "1"]), "sh", "-c", script, seconds=0.5)
    assert not ok and message.endswith(" did not end within 0.5 s")
    for pid in map(int, pids.read_text().split()):
        until(partial(_is_dead, pid), what="it ends")


def test_no_descriptor_is_left(make_app: MakeApp) -> None:
    app = make_app(["sleep", "1"])
    check(app, "true")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        check(app, "true")
        check(app, "sleep", "1000", seconds=0.01)
    assert len(os.listdir("/proc/self/fd")) == before


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@pytest.mark.parametrize("count", [40])
def test_many_at_once_each_get_their_own_answer(make_app: MakeApp, count: int) -> None:
    app = make_app(["sleep", "1"])

    async def all_of_them() -> list[tuple[bool, str]]:
        commands = [("sh", "-c", f"exit {number % 2}") for number in range(count)]
        return await asyncio.gather(
            *(exec_check(app, instance(), command, 30) for command in commands)
        )

    assert [ok for ok, _ in asyncio.run(all_of_them())] == [n % 2 == 0 for n in range(count)]


def test_it_leads_a_session_so_that_no_terminal_of_ours_is_its_own(make_app: MakeApp) -> None:
    """By TIOCSTI a program could type into the shell that started recon on a terminal."""
    script = "read -r pid name state parent group session terminal rest < /proc/$$/stat"
    ok, _ = check(make_app(["sleep", "1"]), "sh", "-c", f"{script}; test $session$terminal = $$0")
    assert ok


def test_one_that_does_not_end_of_a_kill_holds_up_nobody_and_is_reaped_late(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a setuid program of another user's: the signals do not reach it."""
    app, process = make_app(["sleep", "1"]), instance()
    monkeypatch.setattr(helper, "kill", lambda helper: None)
    monkeypatch.setattr(execcheck, "_TO_DIE", 0.01)

    def late() -> tuple[bool, str]:
        return asyncio.run(exec_check(app, process, ("sleep", "1000"), 0.01))

    told = [late()[1] for _ in range(helper._MOST_LATE)]
    assert all("SIGKILL does not end it (pid " in one for one in told)
    pids = [int(one.rpartition("pid ")[2].rstrip(")")) for one in told]
    assert {*pids} <= helper.awaited()
    ok, refused = late()
    assert not ok and f"{helper._MOST_LATE} earlier ones were killed" in refused
    assert all(str(pid) in refused for pid in pids)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)

    def reaped() -> bool:
        """Each check reaps those that have ended by then: one is enough for it to be tried."""
        ok, _ = asyncio.run(exec_check(app, process, ("true",), 60))
        return ok and not {*pids} & helper.awaited()

    until(reaped, what="the late ones are reaped, and recon tries again")
