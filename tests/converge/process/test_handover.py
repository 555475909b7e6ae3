"""What a program is told of its sockets, and where it finds them."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.converge.isolation.user_account import account_of
from reconciler.converge.process import handover
from reconciler.converge.process.handover import Handed, Handover
from reconciler.converge.process.spawn import Program, SpawnError, start
from reconciler.model.spec.socket import Socket

HTTP = Socket(name="http", port=3000)
API = Socket(name="api", path="/run/x.sock")


def told(*handed: Handed, **environment: str) -> dict[str, str]:
    return handover.with_sockets(environment, Handover(handed, "/run/recon/node.cjs"))


def test_the_protocol_of_systemd_with_names_in_order() -> None:
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        fds = [each.fileno() for each in (one, two, three)]
        inodes = [os.fstat(fd).st_ino for fd in fds]
        handed = (Handed(fds[0], HTTP), Handed(fds[1], API), Handed(fds[2], HTTP, private=True))
        found = told(*handed, PATH="/bin")
    assert found["LISTEN_FDS"] == "3"
    assert found["LISTEN_FDNAMES"] == "http:api:http.probe"
    assert json.loads(found["RECON_SOCKETS"]) == [
        {"name": "http", "fd": 3, "inode": inodes[0], "host": "127.0.0.1", "port": 3000},
        {"name": "api", "fd": 4, "inode": inodes[1], "path": "/run/x.sock"},
        {"name": "http.probe", "fd": 5, "inode": inodes[2], "serves": "http"},
    ]
    assert found["PATH"] == "/bin" and "LISTEN_PID" not in found


def test_node_options_of_the_manifest_stay() -> None:
    found = told(NODE_OPTIONS="--max-old-space-size=200")
    assert found["NODE_OPTIONS"] == "--max-old-space-size=200 --require=/run/recon/node.cjs"


@pytest.mark.parametrize(("grace", "drain"), [(30, "10"), (3600, "10"), (1.5, "0.5"), (0, "0")])
def test_a_drain_is_well_inside_the_grace_period(grace: float, drain: str) -> None:
    found = handover.with_sockets({}, Handover((), "/node.cjs", "SIGTERM", grace))
    assert found["RECON_DRAIN_SECONDS"] == drain


def test_a_drain_of_the_manifest_stays() -> None:
    assert told(RECON_DRAIN_SECONDS="0")["RECON_DRAIN_SECONDS"] == "0"


def test_a_path_with_blanks_is_quoted_as_node_reads_it() -> None:
    found = handover.with_sockets({}, Handover((), '/a b/"c"\\d.cjs'))
    assert found["NODE_OPTIONS"] == '--require="/a b/\\"c\\"\\\\d.cjs"'


def test_the_preload_can_be_read_by_all_and_outlives_an_upgrade(tmp_path: Path) -> None:
    path = Path(handover.install_preload(tmp_path))
    assert path.read_bytes() == Path(handover.__file__).with_name("preload.cjs").read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert handover.install_preload(tmp_path) == str(path)


CONTROLLER = """
import json, os, socket, sys
from reconciler.converge.process import descriptors, handover
from reconciler.converge.process.handover import Handed, Handover
from reconciler.converge.process.spawn import spawn
from tests.waiting import until
from reconciler.model.state.desired import DesiredApp, Source
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.socket import Socket
from reconciler.model.state.observed import Tag

descriptors.prepare()
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(5)]
others = [os.open("/dev/null", os.O_RDONLY) for _ in range(100)]
handed = [Handed(one.fileno(), Socket(name=f"s{n}", port=1 + n)) for n, one in enumerate(held)]
out = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
null = os.open("/dev/null", os.O_RDWR)
code = (
    "import json, os, sys; "
    "fds = sorted(int(n) for n in os.listdir('/proc/self/fd')); "
    "inodes = [os.fstat(3 + n).st_ino for n in range(int(os.environ['LISTEN_FDS']))]; "
    "print(json.dumps([os.getpid(), dict(os.environ), fds, inodes]))"
)
app = DesiredApp("a", AppSpec(command=[sys.executable, "-I", "-c", code], cwd="/"), "h",
                 Source("f", 1))
result = []
for n in range(3):
    spawned = spawn(app, Tag("s", "a", n, "h", f"n{n}"), out, null, Handover(handed, "/p.cjs"))
    os.waitid(os.P_PIDFD, spawned.pidfd, os.WEXITED)
missing = DesiredApp("a", AppSpec(command=["/no/such"], cwd="/"), "h", Source("f", 1))
report = spawn(missing, Tag("s", "a", 9, "h", "x"), out, null, Handover(handed, "/p.cjs")).report
until(report.look)
print(json.dumps([str(report.failure), [os.fstat(one.fileno()).st_ino for one in held]]))
"""


def test_a_program_finds_them_from_3_on_with_its_own_pid_and_no_other_descriptor(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-c", CONTROLLER, str(out)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    error, inodes = json.loads(done.stdout)
    assert "there is no file /no/such" in error
    programs = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(programs) == 3
    pid, environment, fds, found = programs[0]
    assert environment["LISTEN_PID"] == str(pid)
    assert not {"PWD", "OLDPWD", "SHLVL", "_"} & environment.keys()
    assert found == inodes
    assert fds[:8] == [0, 1, 2, 3, 4, 5, 6, 7] and len(fds) == 9  # the last is the listing's own


def test_more_than_can_be_handed_over_is_refused() -> None:
    program = Program(("true",), "/", account_of(None, None), {}, handed=(0,) * 61)
    with pytest.raises(SpawnError, match="61 sockets"):
        start(program, 1, 2)
