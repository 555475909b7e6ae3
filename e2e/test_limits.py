"""Limits: in force before the first instruction, changed in place, put right, and told when met."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.harness import Recon
from e2e.programs import SLEEP, python
from tests.waiting import until


def limit_of(pid: int, name: str) -> list[str]:
    """Soft and hard, as /proc/PID/limits has them."""
    text = Path(f"/proc/{pid}/limits").read_text()
    return next(line for line in text.splitlines() if line.startswith(name))[len(name) :].split()[
        :2
    ]


def nice_of(pid: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid)


def events(recon: Recon, reason: str) -> list[str]:
    return [line for line in recon.cli("events").splitlines() if f" {reason} " in line]


def test_limits_hold_before_the_first_instruction(recon: Recon) -> None:
    program = python(
        "import os, resource\n"
        "print(os.getpriority(os.PRIO_PROCESS, 0), *resource.getrlimit(resource.RLIMIT_NOFILE),\n"
        "      resource.getrlimit(4)[1], open('/proc/self/oom_score_adj').read()\n"
        "      .strip(), sorted(os.sched_getaffinity(0)), sorted(os.listdir('/proc/self/fd')),\n"
        "      os.readlink('/proc/self/fd/0'), sorted(os.environ))\n"
        "import time; time.sleep(1000)\n"
    )
    limits = {
        "nice": 5,
        "openFiles": 300,
        "coreSize": "1Mi",
        "oomScoreAdjust": 321,
        "ioPriority": "best-effort:6",
        "cpuAffinity": "0",
    }
    recon.app("web", program, limits=limits, env={"A": "1"})
    recon.app("free", program, env={"A": "1"})
    recon.run()
    recon.healthy("web")
    pid = recon.pids("web")["web-0"]
    limited = until(lambda: recon.log("web"))[0]
    free = until(lambda: recon.log("free"))[0]
    assert limited.startswith("5 300 300 1048576 321 [0] ['0', '1', '2', '3'] /dev/null [")
    assert limited.partition("/dev/null")[2] == free.partition("/dev/null")[2], "same environment"
    told = subprocess.run(["ionice", "-p", str(pid)], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "best-effort: prio 6"


def test_a_changed_limit_is_put_in_force_in_place_on_the_whole_tree(recon: Recon) -> None:
    program = python(
        "import os, threading, time\n"
        "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
        "if os.fork() == 0: time.sleep(1000)\n"
        "time.sleep(1000)\n"
    )
    recon.app("web", program, limits={"openFiles": 400, "nice": 1})
    recon.run()
    recon.healthy("web")
    pid = recon.pids("web")["web-0"]
    child = until(lambda: Path(f"/proc/{pid}/task/{pid}/children").read_text().split())[0]
    recon.kill_controller()
    recon.app("web", program, limits={"openFiles": 200, "nice": 3, "oomScoreAdjust": 500})
    shown = recon.cli("apply", "--dry-run")
    assert "limits.openFiles" in shown and "400 → 200" in shown and "in place" in shown
    recon.run()
    until(lambda: limit_of(pid, "Max open files") == ["200", "200"])
    until(lambda: limit_of(int(child), "Max open files") == ["200", "200"])
    threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    assert len(threads) == 2
    until(lambda: {nice_of(one) for one in (*threads, int(child))} == {3})
    until(lambda: Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "500")
    assert recon.healthy("web", restarts=0, drift=[])["revision"] == 1
    assert recon.pids("web")["web-0"] == pid


def test_a_limit_that_is_removed_goes_back(recon: Recon) -> None:
    recon.app("web", SLEEP, limits={"nice": 4, "cpuAffinity": "0"})
    recon.run()
    recon.healthy("web")
    pid = recon.pids("web")["web-0"]
    assert nice_of(pid) == 4 and os.sched_getaffinity(pid) == {0}
    own = recon.controller.pid if recon.controller else 0
    if os.geteuid() != 0:
        pytest.skip("to lower nice takes root")
    recon.app("web", SLEEP)
    until(lambda: nice_of(pid) == nice_of(own))
    until(lambda: os.sched_getaffinity(pid) == os.sched_getaffinity(own))
    assert recon.pids("web")["web-0"] == pid


def test_what_was_changed_by_hand_is_shown_and_put_right(recon: Recon) -> None:
    recon.app("web", SLEEP, limits={"openFiles": 400, "oomScoreAdjust": 100})
    recon.run()
    recon.healthy("web")
    pid = recon.pids("web")["web-0"]
    recon.kill_controller()
    assert recon.of("web")["drift"] == []
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (300, 400))
    Path(f"/proc/{pid}/oom_score_adj").write_text("200")
    app = recon.of("web")
    assert app["sync"] == "OutOfSync"
    assert sorted((drift["kind"], drift["detail"]) for drift in app["drift"]) == [
        ("InPlace", f"limits.oomScoreAdjust is 200 on pid {pid}, 100 wanted"),
        ("InPlace", f"limits.openFiles is 300:400 on pid {pid}, 400 wanted"),
    ]
    told = recon.cli("apply", "--dry-run")
    assert f"pid {pid}, changed by hand: limits.oomScoreAdjust 200 → 100" in told
    recon.run()
    recon.healthy("web", drift=[])
    assert limit_of(pid, "Max open files") == ["400", "400"]
    assert len(events(recon, "LimitsAdjusted")) == 1
    assert recon.pids("web")["web-0"] == pid


def test_what_the_kernel_refuses_is_told_once_and_nothing_ends(recon: Recon) -> None:
    """Here the hard limit cannot be raised again: without CAP_SYS_RESOURCE nobody can."""
    recon.app("web", SLEEP, limits={"openFiles": 100})
    recon.run()
    recon.healthy("web")
    pid = recon.pids("web")["web-0"]
    recon.app("web", SLEEP, limits={"openFiles": 200})
    until(lambda: recon.of("web")["drift"] or limit_of(pid, "Max open files") == ["200", "200"])
    if not recon.of("web")["drift"]:
        pytest.skip("this root has CAP_SYS_RESOURCE and may raise a hard limit")
    (drift,) = recon.of("web")["drift"]
    assert drift["kind"] == "InPlace"
    assert "needs CAP_SYS_RESOURCE; `recon restart` gives it to new processes" in drift["detail"]
    assert "`recon restart` gives it" in recon.cli("apply", code=1)
    assert len(events(recon, "FailedLimits")) == 1, "not tried again and again"
    assert events(recon, "LimitsAdjusted") == [], "what was not done is not told as done"
    assert recon.pids("web")["web-0"] == pid
    recon.cli("restart", "web")
    recon.healthy("web", drift=[])
    assert limit_of(recon.pids("web")["web-0"], "Max open files") == ["200", "200"]


def test_what_cannot_be_had_is_refused_and_the_last_good_version_runs_on(recon: Recon) -> None:
    recon.app("web", SLEEP)
    recon.run()
    recon.healthy("web")
    pid = recon.pids("web")["web-0"]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    recon.app("web", SLEEP, limits={"openFiles": 2**31 - 1, "cpuAffinity": "8000"})
    text = recon.cli("validate", code=1)
    assert "web.yaml:13:20: spec.limits.openFiles: is above" in text, (text, hard)
    assert "spec.limits.cpuAffinity: processor 8000 does not exist here" in text
    recon.wait("web", sync="Unknown", health="Healthy")
    assert recon.pids("web")["web-0"] == pid


def test_a_controller_that_dies_at_the_gate_runs_nothing(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = (
        "import os, signal, subprocess, sys\n"
        "from reconciler.converge.process import spawn\n"
        "from reconciler.converge.isolation.user_account import account_of\n"
        "def die(id): print(id.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
        f"program = spawn.Program(('touch', {str(ran)!r}), '/', account_of(None, None),"
        " {'PATH': os.environ['PATH']})\n"
        "spawn.start(program, subprocess.DEVNULL, subprocess.DEVNULL, die)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    until(lambda: not Path(f"/proc/{done.stdout.strip()}").exists(), what="the shell has left")
    assert not ran.exists()
