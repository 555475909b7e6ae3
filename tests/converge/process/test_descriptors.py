"""A controller with thousands of open files starts programs with none of them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

# Limits belong to a process and cannot be raised again by everybody: a controller of its own.
CONTROLLER = """
import json, os, resource, signal, subprocess, sys, time
sys.path[:0] = json.loads(sys.argv[1])
from reconciler.converge.process import descriptors
from reconciler.system import syscalls
from reconciler.converge.process.spawn import spawn
from tests.waiting import until
from reconciler.model.state.desired import DesiredApp, Source
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.observed import Tag

soft = int(sys.argv[2])
if sys.argv[3] == "sandboxed":
    def refuse(flags):
        raise PermissionError(1, "Operation not permitted")
    syscalls.unshare = refuse
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
inherited = os.open("/dev/null", os.O_RDONLY)
os.set_inheritable(inherited, True)
descriptors.prepare()
null = os.open("/dev/null", os.O_RDWR)
held = [os.open("/dev/null", os.O_RDONLY) for _ in range(6000)]
app = DesiredApp(name="a", spec=AppSpec(command=["sleep", "60"], cwd="/usr", umask="027"), hash="h",
                 source=Source("f", 1))
umask = os.umask(0o077)
result = {"highest": max(held), "children": []}
for n in range(20):
    spawned = spawn(app, Tag("s", "a", n, "h", f"n{n}"), held[-1] if n else null, null)
    assert spawned.report.settled, "the quick way"
    proc = f"/proc/{spawned.process.id.pid}"
    limits = [l for l in open(proc + "/limits") if l.startswith("Max open files")][0].split()
    deadline = time.monotonic() + 60  # the loader's own files are closed soon, a leak never
    while (fds := sorted(map(int, os.listdir(proc + "/fd")))) != [0, 1, 2]:
        if time.monotonic() > deadline:
            break
    result["children"].append({"fds": fds,
                               "soft": int(limits[3]), "hard": int(limits[4]),
                               "pidfd": spawned.pidfd,
                               "cwd": os.readlink(proc + "/cwd"),
                               "umask": open(proc + "/status").read().split("Umask:")[1].split()[0],
                               "leads": os.getsid(int(proc[6:])) == int(proc[6:])})
    signal.pidfd_send_signal(spawned.pidfd, signal.SIGKILL)
    os.waitid(os.P_PIDFD, spawned.pidfd, os.WEXITED)
bad = DesiredApp(name="a", spec=AppSpec(command=["/no/such"], cwd="/"), hash="h",
                 source=Source("f", 1))
for n in range(20):
    report = spawn(bad, Tag("s", "a", n, "h", f"x{n}"), null, null).report
    until(report.look)
    result["error"] = str(report.failure)
result["umask"] = os.umask(0)
result["places"] = [os.readlink(f"/proc/self/task/{task}/cwd")
                    for task in os.listdir("/proc/self/task")]
result["own"] = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
result["wanted"] = min(hard, 1 << 20)
print(json.dumps(result))
"""


@pytest.fixture(scope="module", params=["free", "sandboxed"])
def crowded(request: pytest.FixtureRequest) -> Any:
    """What twenty programs saw that were started by a controller with 6,000 open files, also in a
    sandbox that lets no thread have a directory of its own."""
    done = subprocess.run(
        [sys.executable, "-c", CONTROLLER, json.dumps(sys.path), "1024", request.param],
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_programs_get_no_descriptor_but_the_standard_three(crowded: Any) -> None:
    assert crowded["highest"] > 5000
    assert [child["fds"] for child in crowded["children"]] == [[0, 1, 2]] * 20


def test_programs_get_the_soft_limit_that_recon_was_started_with(crowded: Any) -> None:
    assert {child["soft"] for child in crowded["children"]} == {1024}
    assert {child["hard"] for child in crowded["children"]} != {1024}


def test_programs_have_their_directory_umask_and_session(crowded: Any) -> None:
    found = {(child["cwd"], child["umask"], child["leads"]) for child in crowded["children"]}
    assert found == {("/usr", "0027", True)}


def test_the_controller_keeps_its_own_and_holds_no_directory_of_theirs(crowded: Any) -> None:
    assert crowded["umask"] == 0o077
    assert "/usr" not in crowded["places"]


def test_the_controller_keeps_its_raised_limit(crowded: Any) -> None:
    assert crowded["own"] == crowded["wanted"] > 1024


def test_a_failed_start_is_told_apart_even_with_thousands_of_files_open(crowded: Any) -> None:
    assert "there is no file /no/such" in crowded["error"]
