"""Programs are born with their own score, whatever the controller's is."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# The score is the process's, and cannot be lowered by everybody: a controller of its own. One that
# protects itself *upwards* needs no privilege, and is otherwise the same.
CONTROLLER = """
import json, os, subprocess, sys
sys.path[:0] = json.loads(sys.argv[1])
from reconciler.converge.process import descriptors
from reconciler.converge.isolation import oomscore
from reconciler.converge.isolation.user_account import account_of
from reconciler.converge.process.spawn import Program, start
oomscore._PROTECTED = int(sys.argv[2])
descriptors.prepare()
def child(*command):
    near, far = os.pipe()
    program = Program(command, "/", account_of(None, None), {"PATH": os.environ["PATH"]})
    try:
        started = start(program, far, subprocess.DEVNULL)
    finally:
        os.close(far)
    os.waitid(os.P_PIDFD, started.pidfd, os.WEXITED)
    return int(os.read(near, 100) or -1)
own = lambda: int(open("/proc/self/oom_score_adj").read())
read = ["cat", "/proc/self/oom_score_adj"]
told = {"protected": oomscore.prepare(), "own": [own()]}
told["told"] = oomscore.of_programs()
told["child"] = child(*read)
child("/no/such/program")
told["own"].append(own())
print(json.dumps(told))
"""


def test_a_program_has_the_score_from_before_and_the_controller_keeps_its_own() -> None:
    with open("/proc/self/oom_score_adj", encoding="ascii") as file:
        ours = int(file.read())
    protected = ours + 100
    told = _run(protected)
    assert told.pop("told") == told["child"]
    assert told == {"protected": True, "child": max(0, ours), "own": [protected, protected]}


def test_where_the_score_may_not_be_lowered_nothing_changes() -> None:
    told = _run(-1000)
    if told["protected"]:
        pytest.skip("SKIPPED: this user has CAP_SYS_RESOURCE, and may lower its score")
    assert told["own"] == [told["child"]] * 2


def _run(protected: int) -> dict[str, object]:
    words = [sys.executable, "-c", CONTROLLER, json.dumps(sys.path), str(protected)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told
