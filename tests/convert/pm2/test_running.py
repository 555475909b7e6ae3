"""What PM2 remembers becomes the manifests that its config would have become."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.convert.errors import ImportFault
from reconciler.convert.host import Host
from reconciler.convert.manifests.draft import Draft, Fate
from reconciler.convert.manifests.finalise import bundle
from reconciler.convert.pm2.running import running
from tests.convert.conftest import HOST, MANIFESTS, pm2_draft, problems, told
from tests.waiting import until

Write = Callable[[str, str], str]


def entry(**other: Any) -> dict[str, Any]:
    return {
        "name": "backend",
        "pm_exec_path": "/srv/crm/backend/dist/main.js",
        "pm_cwd": "/srv/crm/backend",
        "exec_interpreter": "node",
        "exec_mode": "fork_mode",
        "args": ["--x", "a b"],
        "node_args": [],
        "env": {"PORT": "3000", "HOME": "/root", "SSH_TTY": "/dev/pts/1", "backend": {}},
        "pm_out_log_path": "/home/crm/.pm2/logs/backend-out.log",
        "kill_timeout": 3000,
        "max_memory_restart": 314572800,
        "vizion": True,
        "treekill": True,
        **other,
    }


def read(write: Write, *entries: dict[str, Any], host: Host = HOST) -> list[Draft]:
    drafts, _ = running([write("dump.pm2", json.dumps(entries))], host)
    assert not problems(bundle(drafts, MANIFESTS))
    return drafts


def test_a_dump_reads_as_the_config_would(write: Write) -> None:
    app = {
        "name": "backend",
        "script": "dist/main.js",
        "cwd": "/srv/crm/backend",
        "args": ["--x", "a b"],
        "env": {"PORT": 3000},
        "kill_timeout": 3000,
        "exec_mode": "fork",
        "max_memory_restart": "300M",
        "instances": 1,
    }
    (draft,) = read(write, entry())
    assert draft.spec == pm2_draft(app).spec
    assert told(draft, Fate.UNNEEDED) == {}


def test_jlist_with_words_before_it(write: Write) -> None:
    file = write("jlist", "[PM2] Spawning\n" + json.dumps([{"pm2_env": entry(), "pid": 1}]))
    drafts, _ = running([file], HOST)
    assert [draft.name for draft in drafts] == ["backend"]


def test_the_instances_of_one_app_are_counted_and_modules_left_out(write: Write) -> None:
    cluster = {"exec_mode": "cluster_mode", "instances": 2}
    module = entry(name="pm2-logrotate", pmx_module=True)
    (draft,) = read(write, entry(**cluster), entry(**cluster), module)
    assert draft.spec["instances"] == 2
    assert draft.spec["sockets"][0]["port"] == 3000


def test_what_this_shell_has_as_well_is_the_shells(write: Write) -> None:
    environ = {**HOST.environ, "EDITOR_THEME": "dark", "NODE_ENV": "development"}
    host = Host(2, "::", environ)
    of_terminal = {"LS_COLORS": "x", "COLUMNS": "80", "LINES": "24"}
    env = {"EDITOR_THEME": "dark", "NODE_ENV": "production", "A": "1", **of_terminal}
    (draft,) = read(write, entry(env=env), host=host)
    assert set(draft.spec["env"]) == {"NODE_ENV", "A"}
    assert "A, NODE_ENV" in told(draft, Fate.CHANGED)


def test_a_program_of_path_and_a_line_for_a_shell_are_known_again(write: Write) -> None:
    npm = entry(pm_exec_path="/usr/bin/npm", exec_interpreter="/usr/bin/node", args=["run", "x"])
    line = entry(name="b", pm_exec_path="/usr/bin/bash", args=["-c", "npm run x"])
    line["exec_interpreter"] = "none"
    found = read(write, npm, line)
    assert [draft.spec["command"] for draft in found] == [["npm", "run", "x"]] * 2


def test_what_was_stopped_stays_stopped(write: Write) -> None:
    (draft,) = read(write, entry(status="stopped"))
    assert draft.spec["suspend"] is True
    assert "stopped in PM2" in told(draft, Fate.CHANGED)["status"]


def test_a_job_by_the_clock_is_stopped_between_its_runs_and_goes_on(write: Write) -> None:
    job = {"autorestart": False, "cron_restart": "*/5 * * * *", "status": "stopped"}
    (draft,) = read(write, entry(name="report", **job))
    assert (draft.kind, draft.spec["schedule"]) == ("Job", "*/5 * * * *")
    assert "suspend" not in draft.spec
    assert "between two runs" in told(draft, Fate.CHANGED)["status"]


def test_a_file_that_is_no_list_and_a_pm2_that_is_not_there_are_told(write: Write) -> None:
    with pytest.raises(ImportFault, match="no list of processes"):
        running([write("dump.pm2", "{}")], HOST)
    with pytest.raises(ImportFault, match="pm2 save"):
        running([], Host(1, "::", {"HOME": "/nowhere", "PATH": ""}))


def test_a_pm2_that_fails_is_told(tmp_path: Path) -> None:
    """The daemon runs (as its pid file says), and `pm2` cannot be run."""
    (tmp_path / "pm2").write_text("#!/no/such/interpreter\n")
    (tmp_path / "pm2").chmod(0o755)
    command = "import time; time.sleep(1000)  # PM2"
    daemon = subprocess.Popen([sys.executable, "-c", command])
    try:
        (tmp_path / "pm2.pid").write_text(str(daemon.pid))
        line = Path(f"/proc/{daemon.pid}/cmdline")
        until(lambda: b"PM2" in line.read_bytes())
        environ = {"HOME": "/nowhere", "PM2_HOME": str(tmp_path), "PATH": str(tmp_path)}
        with pytest.raises(ImportFault, match=r"pm2 jlist does not answer .*dump\.pm2"):
            running([], Host(1, "::", environ))
    finally:
        daemon.kill()
        daemon.wait()


def test_a_source_that_is_no_file_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "jlist")
    with pytest.raises(ImportFault, match="not a regular file"):
        running([str(tmp_path / "jlist")], HOST)
