"""The controller may be killed at any instruction: no process, no line is lost or doubled."""

from __future__ import annotations

import random
import re
import shutil
import signal
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from e2e.harness import PROGRAM, Recon, alive, read
from e2e.programs import SLEEP, held, numbered, python
from tests.waiting import until


def lines_by_process(lines: list[str]) -> dict[str, list[int]]:
    """Numbers by the process (or incarnation) that wrote them; asserts that no line is torn."""
    found: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        match = re.fullmatch(r"(\S+) (\d+)", line)
        assert match, f"torn line: {line!r}"
        found[match[1]].append(int(match[2]))
    return found


def assert_complete(recon: Recon, app: str, instances: int) -> None:
    """Every process's numbers are 1, 2, 3, … without a gap or a repetition."""
    for number in range(instances):
        for who, numbers in lines_by_process(recon.log(app, number)).items():
            assert numbers == list(range(1, len(numbers) + 1)), f"{app}-{number}, process {who}"


def running(recon: Recon) -> set[int]:
    """Of the counter, every process: in a rollout two may have one number."""
    return {row["pid"] for row in recon.of("counter")["instances"] if row["pid"]}


def test_kill_9_in_the_middle_of_a_rollout_same_pids_no_line_lost_or_doubled(
    recon: Recon, tmp_path: Path
) -> None:
    # The second version waits with its lines until it is let through: a middle that stays.
    gate = tmp_path / "gate"
    program = held(gate, numbered(0.0005))

    def declare(version: str) -> None:
        recon.app(
            "counter",
            program,
            instances=4,
            minReadySeconds=0.5,
            readinessProbe={"log": "^[0-9]+ 1$"},
            env={"VERSION": version},
        )

    declare("1")
    recon.run()
    recon.healthy("counter", ready=4)
    old = running(recon)
    declare("2")
    recon.wait("counter", updated=2, ready=3)  # one more and one less, as both may be a quarter
    recon.kill_controller()
    survivors = {pid for pid in running(recon) if alive(pid)}
    assert len(survivors) == 5 and len(survivors & old) == 3
    recon.run()
    recon.wait("counter", updated=2, ready=3)
    assert running(recon) == survivors
    gate.touch()
    recon.healthy("counter", ready=4, revision=2)
    _stop(recon)
    assert_complete(recon, "counter", 4)
    total = sum(len(recon.log("counter", n)) for n in range(4))
    assert total > 100


def test_kill_9_again_and_again_under_a_flood_loses_and_doubles_nothing(recon: Recon) -> None:
    recon.app(
        "flood",
        numbered(0, prefix="p"),
        logs={"rotate": {"size": "2Mi", "keep": 1000, "compress": False}},
    )
    recon.app("quiet", numbered(0.001))
    recon.run()
    recon.healthy("flood", ready=1)
    recon.healthy("quiet", ready=1)
    pids = recon.pids("flood") | recon.pids("quiet")
    for _ in range(8):
        count = len(recon.log("quiet"))
        more = count + random.randint(5, 50)
        until(lambda: len(recon.log("quiet")) >= more, what="output goes on")  # noqa: B023
        recon.kill_controller()
        recon.run()
    assert recon.pids("flood") | recon.pids("quiet") == pids
    _stop(recon)
    assert_complete(recon, "flood", 1)
    assert_complete(recon, "quiet", 1)


def test_lost_state_directory_loses_no_process(recon: Recon) -> None:
    recon.app("web", SLEEP, instances=3)
    recon.run()
    recon.healthy("web", ready=3)
    pids = recon.pids("web")
    recon.kill_controller()
    shutil.rmtree(recon.state)
    recon.run()
    recon.healthy("web", ready=3)
    assert recon.pids("web") == pids


def test_sigterm_leaves_the_apps_running_and_the_next_controller_takes_them_over(
    recon: Recon,
) -> None:
    recon.app("web", SLEEP)
    controller = recon.run()
    recon.healthy("web", ready=1)
    pids = recon.pids("web")
    controller.send_signal(signal.SIGTERM)
    assert controller.wait(timeout=60) == 0
    assert all(alive(pid) for pid in pids.values())
    status = recon.json("status", code=None)
    assert status["controller"]["running"] is False
    assert recon.pids("web") == pids  # seen without a controller
    recon.run()
    recon.healthy("web", ready=1)
    assert recon.pids("web") == pids


def test_exit_of_an_adopted_process_is_seen_and_told(recon: Recon) -> None:
    recon.app("web", ["sh", "-c", "trap 'exit 3' USR1; echo up; while :; do sleep 0.05; done"])
    recon.run()
    recon.wrote("web", "up")
    recon.kill_controller()
    recon.run()
    recon.healthy("web", ready=1)
    pid = recon.pids("web")["web-0"]
    descriptor = _pidfd(pid)
    signal.pidfd_send_signal(descriptor, signal.SIGUSR1)
    until(lambda: recon.pids("web").get("web-0", pid) != pid, what="a new process")
    events = recon.cli("events", "web")
    assert "exit 3" in events or "exit unknown" in events  # unknown before Linux 6.15


def test_backoff_survives_the_controller(recon: Recon) -> None:
    recon.app("bad", ["false"], backoff={"initialSeconds": 50, "maxSeconds": 60})
    recon.run()
    until(
        lambda: "CrashLoopBackOff" in recon.of("bad")["message"],
        what="backoff",
    )
    restarts = recon.of("bad")["restarts"]
    until(lambda: "BackOff" in recon.cli("events", "bad"), what="written down")
    recon.kill_controller()
    recon.run()
    app = recon.of("bad")
    assert "CrashLoopBackOff" in app["message"] and app["restarts"] == restarts


def test_second_controller_on_one_state_directory_is_refused(recon: Recon) -> None:
    recon.app("web", SLEEP)
    controller = recon.run()
    second = subprocess.run(
        [PROGRAM, "run"],
        env=recon.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert f"pid {controller.pid}" in second.stderr
    assert recon.answers()


@pytest.mark.parametrize("ends", ["while no controller runs", "just before the controller"])
def test_a_child_that_outlives_its_main_process_is_never_taken_for_it(
    recon: Recon, ends: str
) -> None:
    children = "import os, signal\nif os.fork() == 0: os.setsid()\n"
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"
    recon.app("web", python(children + deaf), terminationGracePeriodSeconds=2)
    recon.run()
    recon.healthy("web", ready=1)
    pid = recon.pids("web")["web-0"]
    until(lambda: recon.of("web")["instances"][0]["pid"] == pid and _children(pid), what="a child")
    (child,) = _children(pid)
    kill = signal.pidfd_send_signal
    if ends == "just before the controller":
        kill(_pidfd(pid), signal.SIGKILL)
        until(lambda: str(child) in recon.of("web")["message"], what="the end is seen")
        recon.kill_controller()
    else:
        recon.kill_controller()
        kill(_pidfd(pid), signal.SIGKILL)
        until(lambda: not alive(pid), what="its end")
    recon.run()
    app = recon.healthy("web", ready=1)
    assert app["instances"][0]["pid"] not in (pid, child)
    assert not alive(child)


def _children(pid: int) -> list[int]:
    return [int(word) for word in read(Path(f"/proc/{pid}/task/{pid}/children")).split()]


def _stop(recon: Recon) -> None:
    """Stop everything, so that all output has been written."""
    recon.cli("down")
    recon.controller = None


def _pidfd(pid: int) -> int:
    import os

    return os.pidfd_open(pid)


def test_a_controller_that_may_open_too_few_files_says_so_and_stops_nothing(recon: Recon) -> None:
    recon.app("many", SLEEP, instances=40)
    recon.run()
    recon.healthy("many", ready=40)
    pids = recon.pids("many")
    recon.kill_controller()
    few = ["prlimit", "--nofile=48:48", "--", str(PROGRAM), "run"]
    done = subprocess.run(few, env=recon.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "Too many open files (ulimit -Hn is 48); raise the limit" in done.stderr, done.stderr
    recon.run()
    recon.healthy("many", ready=40)
    assert recon.pids("many") == pids
