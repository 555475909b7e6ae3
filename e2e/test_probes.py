"""Probes of every kind, on real programs: what they say of an instance, and what follows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from e2e.harness import Recon
from e2e.programs import notifier, python
from tests.waiting import until

PROBES = ("readinessProbe", "livenessProbe")
FAST = {"periodSeconds": 0.1, "failureThreshold": 2, "timeoutSeconds": 20}
"""An answer may take its time on a busy machine; one that says no is acted upon at once."""

SWITCHED = """
import http.server, os, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = os.path.exists(sys.argv[1]) and self.headers.get("X-Probe") != "no"
        self.send_response(200 if wanted else 503); self.end_headers()
    def log_message(self, *a): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), H).serve_forever()
"""


def events(recon: Recon, reason: str) -> list[str]:
    lines = recon.cli("events", "web").splitlines()
    return [line for line in lines if f" {reason} " in line]


def instance(recon: Recon, number: int = 0) -> dict[str, Any]:
    row: dict[str, Any] = recon.of("web")["instances"][number]
    return row


def started(port: int) -> dict[str, Any]:
    """A probe that gives a program all the time to come up: until then no other is asked."""
    return {"tcpSocket": {"port": port}, "periodSeconds": 0.1, "failureThreshold": 600}


def has_run(recon: Recon, seconds: float) -> bool:
    uptime = instance(recon)["uptimeSeconds"]  # None where it does not run just now
    return uptime is not None and uptime > seconds


def switched(recon: Recon, port: int) -> tuple[list[str], Path]:
    switch = recon.manifests / "switch"
    switch.touch()
    return [*python(SWITCHED), str(switch), str(port)], switch


def test_a_readiness_that_fails_takes_the_instance_out_and_it_comes_back(
    recon: Recon, unused_port: int
) -> None:
    command, switch = switched(recon, unused_port)
    recon.app("web", command, readinessProbe={"httpGet": {"port": unused_port}, **FAST})
    recon.run()
    recon.healthy("web", ready=1)
    pids = recon.pids("web")
    switch.unlink()
    app = recon.wait("web", ready=0, health="Degraded")
    assert "not ready: web-0 (readiness probe failed: HTTP 503 from /)" in app["message"]
    assert [drift["kind"] for drift in app["drift"]] == ["Unhealthy"]
    switch.touch()
    recon.healthy("web", ready=1)
    assert recon.pids("web") == pids
    assert "readiness probe failed: HTTP 503" in events(recon, "Unhealthy")[0]


def test_a_failing_liveness_replaces_the_process_with_its_reason_and_backs_off(
    recon: Recon, unused_port: int
) -> None:
    command, switch = switched(recon, unused_port)
    liveness = {"httpGet": {"port": unused_port}, **FAST}
    recon.app("web", command, livenessProbe=liveness, startupProbe=started(unused_port))
    recon.run()
    recon.healthy("web")
    pids = recon.pids("web")
    switch.unlink()
    app = until(
        lambda: (a := recon.of("web")) and a["message"].startswith("CrashLoopBackOff") and a,
        what="its replacements fail as well",
    )
    assert "liveness probe failed: HTTP 503 from /, next try in" in app["message"]
    assert "liveness probe failed: HTTP 503 from /" in events(recon, "Killing")[0]
    switch.touch()
    recon.healthy("web")
    assert recon.pids("web") != pids and recon.of("web")["restarts"] >= 2


def test_a_startup_probe_holds_the_others_and_is_given_up_after_its_time(
    recon: Recon, unused_port: int, tmp_path: Path
) -> None:
    command, _ = switched(recon, unused_port)
    gate = tmp_path / "gate"
    startup = {"exec": {"command": ["test", "-e", str(gate)]}, "periodSeconds": 0.2}
    probes = {
        # Would have the process replaced if it were asked before the startup has succeeded.
        "livenessProbe": {"exec": {"command": ["test", "-e", str(gate)]}, **FAST},
        "readinessProbe": {"httpGet": {"port": unused_port}, **FAST},
    }
    recon.app("web", command, startupProbe={**startup, "failureThreshold": 300}, **probes)
    recon.run()
    until(lambda: has_run(recon, 1), what="it has been asked several times")
    until(lambda: "startup probe failed: test -e" in recon.of("web")["message"], what="told")
    assert recon.of("web")["ready"] == 0 and recon.of("web")["restarts"] == 0
    recon.app("web", command, startupProbe={**startup, "failureThreshold": 2}, **probes)
    [first, *_] = until(lambda: events(recon, "Killing"), what="it is given up")
    assert "startup probe failed: test -e " in first and "ended with exit code 1" in first
    gate.touch()
    recon.healthy("web", ready=1)


def test_an_exec_probe_runs_as_the_app_does_and_leaves_nothing_behind(
    recon: Recon, tmp_path: Path
) -> None:
    script = f'[ "$COLOUR" = blue ] && [ "$PWD" = {tmp_path} ] && sleep 100000 & exit $?'
    probe = {"exec": {"command": ["sh", "-c", script]}, "periodSeconds": 0.2}
    recon.app(
        "web", ["sleep", "100000"], cwd=str(tmp_path), env={"COLOUR": "blue"}, readinessProbe=probe
    )
    recon.run()
    recon.healthy("web", ready=1)
    hung = {"exec": {"command": ["sleep", "100000"]}, "periodSeconds": 0.2, "timeoutSeconds": 0.2}
    recon.app(
        "web", ["sleep", "100000"], cwd=str(tmp_path), env={"COLOUR": "blue"}, readinessProbe=hung
    )
    app = recon.wait("web", ready=0)
    until(lambda: "did not end within 0.2 s" in recon.of("web")["message"], what=app["message"])


def test_a_line_of_output_makes_ready_also_for_the_next_controller(
    recon: Recon, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    program = notifier(
        "print('server is starting', flush=True)\n"
        f"wait({str(gate)!r})\n"
        "print('listening on port 80', flush=True); rest()\n"
    )
    recon.app("web", program, readinessProbe={"log": "listening on (port )?[0-9]+"})
    recon.run()
    recon.wait("web", ready=0, health="Progressing")
    until(lambda: "not ready" in recon.of("web")["message"], what="status says what is missing")
    # Before the line has come: the next one looks on where this one stood.
    recon.kill_controller()
    gate.touch()
    recon.run()
    recon.healthy("web", ready=1)
    recon.kill_controller()
    assert recon.of("web")["ready"] == 1
    recon.run()
    recon.healthy("web", ready=1)


def test_a_line_of_an_earlier_process_vouches_for_nobody(recon: Recon, tmp_path: Path) -> None:
    quiet = tmp_path / "quiet"
    program = notifier(
        "print('running', flush=True)\n"
        f"if not os.path.exists({str(quiet)!r}): print('listening', flush=True)\n"
        "rest()\n"
    )
    recon.app("web", program, readinessProbe={"log": "listening"})
    recon.run()
    recon.healthy("web", ready=1)
    quiet.touch()
    [pid] = recon.pids("web").values()
    os.kill(pid, 9)
    until(lambda: recon.log("web").count("running") == 2, what="the next process has written")
    until(lambda: has_run(recon, 1), what="it has been looked at")
    assert recon.of("web")["ready"] == 0


CHATTY = python("import time\nwhile True: print('listening'); time.sleep(0.02)")
"""Says again and again what makes others ready."""


def test_what_the_old_process_writes_into_the_same_log_makes_no_new_one_ready(
    recon: Recon, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    probe = {"log": "^listening$", "periodSeconds": 0.1}
    recon.app("web", CHATTY, readinessProbe=probe)
    recon.run()
    recon.healthy("web", ready=1)
    old = recon.pids("web")["web-0"]
    program = notifier(f"print('starting')\nwait({str(gate)!r})\nprint('listening'); rest()\n")
    recon.app("web", program, readinessProbe=probe)
    recon.wait("web", revision=2, health="Progressing")
    until(lambda: "starting" in recon.log("web"), what="the new one has written")
    written = len(recon.log("web"))
    until(lambda: len(recon.log("web")) > written + 50, what="the old one writes on beside it")
    assert [one["ready"] for one in recon.of("web")["instances"] if one["pid"] != old] == [False]
    # The next controller takes the old one's lines for the new one's no more than this one does.
    recon.kill_controller()
    recon.run()
    written = len(recon.log("web"))
    until(lambda: len(recon.log("web")) > written + 50, what="the old one writes on beside it")
    assert {one["pid"]: one["ready"] for one in recon.of("web")["instances"]}[old] is True
    assert "revision 2 is available" not in recon.cli("events", "web")
    gate.touch()
    recon.healthy("web", ready=1, updated=1)
    assert "revision 2 is available" in recon.cli("events", "web")


@pytest.mark.parametrize("shared", [{"stdout": "one.log"}, {"merge": True, "format": "json"}])
def test_of_instances_that_write_to_one_log_each_is_ready_by_its_own_line(
    recon: Recon, tmp_path: Path, shared: dict[str, Any]
) -> None:
    logs = {**shared, **({"stdout": str(tmp_path / "one.log")} if "stdout" in shared else {})}
    code = "import os, time\nif os.environ['N'] == '0': print('listening')\ntime.sleep(1e5)"
    env = {"N": {"perInstance": 0}}
    recon.app("web", python(code), instances=2, env=env, logs=logs, readinessProbe={"log": "lis"})
    recon.run()
    recon.wait("web", ready=1)
    until(lambda: has_run(recon, 1), what="the other was looked at several times")
    assert [one["ready"] for one in recon.of("web")["instances"]] == [True, False]


def test_a_log_that_is_emptied_removed_or_no_file_hides_no_line(
    recon: Recon, tmp_path: Path
) -> None:
    """A line is heard as it comes; what becomes of the log makes no difference."""
    log, gate = tmp_path / "web.log", tmp_path / "gate"
    program = notifier(f"print('first ' * 1000)\nwait({str(gate)!r})\nprint('listening'); rest()\n")
    recon.app("web", program, logs={"stdout": str(log)}, readinessProbe={"log": "^listening$"})
    recon.run()
    until(lambda: log.exists() and log.stat().st_size, what="it has written")
    log.unlink()
    log.touch()
    gate.touch()
    recon.healthy("web", ready=1)


def test_a_probe_that_is_edited_into_one_of_a_line_hears_what_was_said_before(
    recon: Recon, unused_port: int
) -> None:
    """But only what this very process said: the log holds lines of the one before."""
    program = notifier(
        "print('run'); print('listening') if not os.path.exists('quiet') else 0; rest()\n"
    )
    wrong = {"tcpSocket": {"port": unused_port}, "periodSeconds": 0.1}
    cwd = str(recon.state.parent)
    recon.app("web", program, cwd=cwd, readinessProbe=wrong)
    recon.run()
    until(lambda: "listening" in recon.log("web"), what="it has written")
    pids = recon.pids("web")
    recon.app("web", program, cwd=cwd, readinessProbe={"log": "listening"})
    recon.healthy("web", ready=1)
    assert recon.pids("web") == pids
    (recon.state.parent / "quiet").touch()
    recon.app("web", program, cwd=cwd, readinessProbe={**wrong, "failureThreshold": 1})
    recon.wait("web", ready=0)
    os.kill(pids["web-0"], 9)
    until(lambda: recon.log("web").count("run") == 2, what="the next process has written")
    recon.app("web", program, cwd=cwd, readinessProbe={"log": "listening"})
    told = "no line of its output matches 'listening'"
    until(lambda: told in recon.of("web")["message"], what="it is asked for a line")
    until(lambda: has_run(recon, 1), what="it has been looked at")
    assert recon.of("web")["ready"] == 0


def test_sd_notify_makes_ready_shows_status_and_holds_over_a_crash(
    recon: Recon, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    program = notifier(
        "tell('STATUS=loading the index')\n"
        f"wait({str(gate)!r})\n"
        "tell('READY=1\\nSTATUS=serving'); rest()\n"
    )
    recon.app("web", program, readinessProbe={"notify": True})
    recon.run()
    until(lambda: instance(recon)["status"] == "loading the index", what="its status is shown")
    assert recon.of("web")["ready"] == 0
    gate.touch()
    recon.healthy("web", ready=1)
    assert "serving" in recon.cli("status", "web")
    recon.kill_controller()
    assert recon.of("web")["ready"] == 1
    recon.run()
    recon.healthy("web", ready=1)


def test_a_watchdog_that_falls_silent_is_a_failed_liveness(recon: Recon, tmp_path: Path) -> None:
    silent = tmp_path / "silent"
    program = notifier(
        "assert int(os.environ['WATCHDOG_USEC']) == 3_000_000\n"
        "while True:\n"
        f"    if not os.path.exists({str(silent)!r}): tell('WATCHDOG=1')\n"
        "    time.sleep(0.1)\n"
    )
    liveness = {"notify": True, "periodSeconds": 1.5, "failureThreshold": 2}
    recon.app("web", program, livenessProbe=liveness)
    recon.run()
    recon.healthy("web")
    until(lambda: has_run(recon, 4), what="longer than it may be silent")
    assert recon.of("web")["restarts"] == 0
    silent.touch()
    until(lambda: recon.of("web")["restarts"] > 0, what="it is replaced")
    assert "liveness probe failed: no WATCHDOG=1 for" in events(recon, "Killing")[0]


def test_a_mended_expression_finds_the_line_that_was_written_before(recon: Recon) -> None:
    program = python("import time; print('server is listening'); time.sleep(100000)")
    recon.app("web", program, readinessProbe={"log": "server is ready"})
    recon.run()
    recon.wait("web", ready=0, health="Progressing")
    until(lambda: recon.log("web"), what="it has written its line")
    pids = recon.pids("web")
    recon.app("web", program, readinessProbe={"log": "(?i)Server is LISTENING"})
    recon.healthy("web", ready=1)
    assert recon.pids("web") == pids


def test_killed_the_moment_it_saw_them_ready_the_controller_still_knows(
    recon: Recon, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    program = notifier(f"wait({str(go)!r}); tell('READY=1'); rest()\n")
    recon.app("web", program, instances=3, readinessProbe={"notify": True})
    recon.run()
    until(lambda: len(recon.pids("web")) == 3, what="all run")
    go.touch()
    until(lambda: recon.of("web")["ready"] == 3, what="all are ready")
    recon.kill_controller(unsaved=True)
    recon.run()
    recon.healthy("web", ready=3)


def test_hundreds_of_probes_neither_stampede_nor_take_a_thread_each(
    recon: Recon, tmp_path: Path, unused_port: int
) -> None:
    running = tmp_path / "running"
    running.mkdir()
    script = f"touch {running}/$$; ls {running} | wc -l >> {tmp_path}/count; rm {running}/$$"
    probe = {"exec": {"command": ["sh", "-c", script]}, "timeoutSeconds": 30, "periodSeconds": 30}
    recon.app("many", ["sleep", "100000"], instances=150, readinessProbe=probe)
    command, _ = switched(recon, unused_port)
    recon.app("web", command)
    target = {"httpGet": {"port": unused_port}, "timeoutSeconds": 10}
    recon.app("more", ["sleep", "100000"], instances=150, readinessProbe=target)
    recon.run()
    until(
        lambda: all(recon.of(name).get("ready") == 150 for name in ("many", "more")),
        seconds=180,
        what="300 probed instances are ready",
    )
    assert max(map(int, (tmp_path / "count").read_text().split())) <= 8
    controller = recon.controller
    assert controller is not None
    assert len(os.listdir(f"/proc/{controller.pid}/task")) < 10


def test_an_edit_that_moves_the_port_asks_old_processes_where_they_are(
    recon: Recon, unused_port: int
) -> None:
    """Else their probes would fail, and they would be ended before the new ones are up."""
    command, _ = switched(recon, unused_port)
    probes = {name: {"httpGet": {"port": unused_port}, **FAST} for name in PROBES}
    probes["startupProbe"] = started(unused_port)
    recon.app("web", command, **probes)
    recon.run()
    recon.healthy("web", ready=1)
    pids = recon.pids("web")
    moved = [*python("import time; time.sleep(100000)"), str(unused_port + 1)]  # never comes up
    probes = {"readinessProbe": {"httpGet": {"port": unused_port + 1}, **FAST}}
    probes["livenessProbe"] = {**probes["readinessProbe"], "failureThreshold": 600}
    recon.app("web", moved, **probes)
    recon.wait("web", updated=1)

    def new_is_unready() -> bool:
        return any(
            not row["ready"] and (row["uptimeSeconds"] or 0) > 2
            for row in recon.of("web")["instances"]
        )

    until(new_is_unready, what="many of its periods have passed")
    assert set(pids.values()) <= {row["pid"] for row in recon.of("web")["instances"]}
    assert recon.of("web")["ready"] == 1
    recon.kill_controller()
    recon.run()
    until(lambda: recon.of("web")["ready"] == 1, what="the old one is asked where it is")
    assert events(recon, "Unhealthy") == []


def test_nobody_speaks_for_another_program(recon: Recon) -> None:
    """A stranger that knows the socket is not heard: the kernel tells who sent."""
    recon.app(
        "web",
        notifier("print(os.environ['NOTIFY_SOCKET'], flush=True); rest()\n"),
        readinessProbe={"notify": True},
    )
    recon.run()
    [address] = until(lambda: recon.log("web"), what="it says where it would notify")
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"READY=1", address.replace("@", "\0", 1))
    until(lambda: has_run(recon, 0.5), what="it would have been heard")
    assert recon.of("web")["ready"] == 0


def test_headers_of_the_probe_are_sent(recon: Recon, unused_port: int) -> None:
    command, _ = switched(recon, unused_port)
    target = {"port": unused_port, "httpHeaders": [{"name": "X-Probe", "value": "no"}]}
    recon.app("web", command, readinessProbe={"httpGet": target, **FAST})
    recon.run()
    until(lambda: "HTTP 503" in recon.of("web").get("message", ""), what="the header is respected")


HOSTILE = """
import socket, sys
start, more = (text.encode().decode("unicode_escape").encode() for text in sys.argv[2:4])
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    client, _ = listener.accept()
    try:
        client.recv(4096)
        client.sendall(start)
        while True:
            client.sendall(more * 1000)
    except OSError:
        client.close()
"""


@pytest.mark.parametrize(
    ("start", "more", "sentence"),
    [
        (r"HTTP/1.1 200 OK\r\n", r"A: b\r\n", "longer than 32 KiB"),
        (
            r"HTTP/1.1 100 Continue\r\n\r\n",
            r"HTTP/1.1 100 Continue\r\n\r\n",
            "more than 20 answers",
        ),
        ("<html>", "no end", "it begins with b'<html>"),
    ],
)
def test_an_answer_without_end_is_a_probe_that_fails_and_holds_up_nobody(
    recon: Recon, unused_port: int, start: str, more: str, sentence: str
) -> None:
    """The other app is replaced at its edit, while the answer is being sent without end."""
    command = [*python(HOSTILE), str(unused_port), start, more]
    recon.app("web", command, readinessProbe={"httpGet": {"port": unused_port}, **FAST})
    recon.app("other", ["sleep", "100000"])
    recon.run()
    recon.healthy("other")
    until(lambda: sentence in recon.cli("status", "web", code=None), what=sentence)
    recon.app("other", ["sleep", "200000"])
    recon.healthy("other", updated=1)
    assert recon.of("web")["ready"] == 0
