"""`recon export systemd`, and what real systemd makes of it beside what recon made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.box import Box, lacking
from e2e.harness import PROGRAM
from tests.waiting import until

pytestmark = pytest.mark.skipif(bool(lacking()), reason=f"SKIPPED: {lacking()}")

HOME = "/srv/of 100% $HOME"
UNITS = "/etc/systemd/system"
NASTY = "a b  \"q\" 'r' $HOME ${HOME} $$ %h %% \\n \\ ; # é😀\ttab"
# Tells all that a program gets, then serves the descriptors it was handed, and tells of its end.
PROGRAM_TEXT = """
import json, os, select, signal, socket, sys
wanted = [name for name in os.environ if name.startswith("T_") or name in ("HOME", "USER")]
told = {"argv": sys.argv[1:], "cwd": os.getcwd(), "uid": os.getuid(), "umask": os.umask(0),
        "env": {name: os.environ[name] for name in sorted(wanted)}, "ppid": 0,
        "grep": os.environ.get("LISTEN_FDNAMES", "")}
number = os.environ.get("T_NUMBER", "")
def leave(*_):
    with open("/var/out/stops", "a") as file:
        file.write(sys.argv[1] + number + "\\n")
    sys.exit()
signal.signal(signal.SIGUSR1, leave)
with open(sys.argv[1] + number, "w") as file:
    json.dump(told, file)
sockets = [socket.socket(fileno=3 + n) for n in range(int(os.environ.get("LISTEN_FDS", 0)))]
for one in sockets:
    one.setblocking(False)
while True:
    ready, _, _ = select.select(sockets, [], [], 1)
    for one in ready:
        try:
            client, _ = one.accept()
        except BlockingIOError:
            continue
        client.sendall(str(os.getpid()).encode())
        client.close()
"""


@pytest.fixture
def box() -> Iterator[Box]:
    box = Box()
    try:
        box.boot()
        yield box
    finally:
        box.close()


def write(box: Box, path: str, text: str) -> None:
    box("sh", "-c", 'mkdir -p "$(dirname "$1")"; printf %s "$2" > "$1"', "sh", path, text)


def manifest(box: Box, name: str, kind: str = "App", **spec: Any) -> None:
    document = {"apiVersion": "recon/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    write(box, f"{HOME}/{name}.yaml", json.dumps(document, ensure_ascii=False))


def recon(box: Box, *words: str, code: int | None = 0) -> str:
    return box(PROGRAM, *words, code=code)


def told(box: Box, path: str) -> dict[str, Any]:
    """What the program said of itself; it is taken away, so that the next one is seen."""

    def text() -> str:
        found: Path = box.file(path)
        content = found.read_text() if found.exists() else ""
        return content if content.endswith("}") else ""

    document: dict[str, Any] = json.loads(until(text, what=f"{path} is written"))
    box("rm", path)
    return document


def export(box: Box) -> dict[str, Any]:
    text = recon(box, "export", "systemd", "-m", HOME, "-o", UNITS, "--report", "json")
    box("systemctl", "daemon-reload")
    document: dict[str, Any] = json.loads(text)
    return document


def test_a_program_gets_the_same_from_systemd_as_from_recon(box: Box) -> None:
    write(box, f"{HOME}/tell.py", PROGRAM_TEXT)
    write(box, f"{HOME}/pass word", "s3cret $x\n")
    write(box, f"{HOME}/.env", "T_DOTENV=from-a-file\nT_BOTH=file\n")
    manifest(
        box,
        "teller",
        command=["python3", "tell.py", "/var/out/told", NASTY, "", "-x"],
        user="daemon",
        umask="027",
        env={
            "T_NASTY": NASTY,
            "T_BOTH": "it's env",
            "T_SECRET": {"secretFile": "pass word"},
            "T_NUMBER": {"perInstance": 10},
        },
        envFrom=[".env"],
        instances=2,
        stop={"signal": "SIGUSR1"},
    )
    box("sh", "-c", "mkdir -m 777 /var/out; touch /var/out/stops; chmod 666 /var/out/stops")
    recon(box, "apply", "-m", HOME)
    by_recon = [told(box, f"/var/out/told{number}") for number in (10, 11)]
    recon(box, "down")
    document = export(box)
    assert "s3cret" not in json.dumps(document)
    box("systemctl", "enable", "--now", *document["enable"])
    by_systemd = [told(box, f"/var/out/told{number}") for number in (10, 11)]
    assert by_systemd == by_recon
    assert by_recon[0]["env"]["T_SECRET"] == "s3cret $x"
    box("systemctl", "stop", "teller.target")
    # systemctl waits for the target, and its services stop after it.
    until(lambda: len(written(box, "/var/out/stops")) == 4, what="all have been stopped")
    stops = written(box, "/var/out/stops")
    assert sorted(stops) == sorted(["/var/out/told10", "/var/out/told11"] * 2)


def test_instances_share_a_socket_and_dependencies_start_first(box: Box) -> None:
    write(box, f"{HOME}/tell.py", PROGRAM_TEXT)
    socket = [{"name": "http", "port": 7001}]
    command = ["python3", "tell.py"]
    number = {"T_NUMBER": {"perInstance": 0}}
    manifest(
        box,
        "web",
        command=[*command, "/var/web"],
        sockets=socket,
        instances=2,
        env=number,
        dependsOn=[{"app": "migrate", "condition": "Completed"}],
    )
    manifest(box, "migrate", command=["touch", "/var/migrated"], restartPolicy="Never")
    document = export(box)
    box("systemctl", "start", *document["enable"])
    assert told(box, "/var/web0")["grep"] == told(box, "/var/web1")["grep"] == "http"
    assert box.file("/var/migrated").exists()
    pids = {box("systemctl", "show", "-p", "MainPID", "--value", f"web@{n}").strip() for n in "01"}
    ask = "import socket; print(socket.create_connection(('127.0.0.1', 7001)).recv(99).decode())"
    seen: set[str] = set()

    def both() -> bool:
        seen.add(box("python3", "-c", ask).strip())
        return seen == pids

    until(both, what="both instances answer on one socket")


def test_pre_stop_sees_the_process_and_a_crash_is_restarted(box: Box) -> None:
    hook = ["sh", "-c", 'kill -0 "$RECON_PID" && echo "$RECON_PID $T_X" >> /var/hook']
    manifest(box, "app", command=["sleep", "1000"], env={"T_X": "é"}, stop={"preStop": hook})
    export(box)
    box("systemctl", "start", "app")

    def main() -> str:
        return box("systemctl", "show", "-p", "MainPID", "--value", "app").strip()

    first = main()
    box("kill", "-9", first)
    until(lambda: main() not in ("0", first), what="it was restarted")
    second = main()
    box("systemctl", "stop", "app")
    assert box.file("/var/hook").read_text() == f"{second} é\n"
    assert box("systemctl", "is-failed", "app", code=None).strip() == "inactive"


def shown(box: Box, unit: str, field: str) -> str:
    return box("systemctl", "show", "-p", field, "--value", unit).strip()


def written(box: Box, path: str) -> list[str]:
    found: Path = box.file(path)
    return found.read_text().splitlines() if found.exists() else []


def test_a_timer_runs_a_job_and_what_is_due_meanwhile_waits(box: Box) -> None:
    # It begins, and ends when it is told to: while it runs, the timer comes many times.
    script = (
        "echo begin >> /var/runs; until [ -e /var/go ]; do sleep 0.1; done; echo end >> /var/runs"
    )
    schedule = {"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "backoffLimit": 0}
    manifest(box, "report", "Job", command=["sh", "-c", script], **schedule)
    document = export(box)
    assert document["enable"] == ["report.timer"]
    assert not [note for note in document["notes"] if note["field"] == "concurrencyPolicy"]
    # Each second instead of each minute, so that nobody has to wait.
    often = "[Timer]\nOnCalendar=\nOnCalendar=*:*:*\n"
    write(box, f"{UNITS}/report.timer.d/often.conf", often)
    box("systemctl", "daemon-reload")
    box("systemctl", "enable", "--now", "report.timer")
    until(lambda: written(box, "/var/runs"), what="it was started")
    first = box("date", "+%s").strip()
    until(lambda: box("date", "+%s").strip() > str(int(first) + 2), what="it was due again")
    assert written(box, "/var/runs") == ["begin"]
    write(box, "/var/go", "")
    until(lambda: written(box, "/var/runs").count("end") >= 3, what="the next ones were started")
    box("systemctl", "stop", "report.timer")
    until(lambda: shown(box, "report", "ActiveState") == "inactive", what="it has ended")
    runs = written(box, "/var/runs")
    assert runs == ["begin", "end"] * (len(runs) // 2)


def test_what_was_missed_while_the_host_was_down_is_made_up_for_once(box: Box) -> None:
    for name, more in (("late", {}), ("never", {"startingDeadlineSeconds": 60})):
        command = ["sh", "-c", f"echo run >> /var/{name}"]
        manifest(box, name, "Job", command=command, schedule="@daily", **more)
    export(box)
    stamps = "/var/lib/systemd/timers/stamp-{}.timer"
    box("mkdir", "-p", "/var/lib/systemd/timers")
    for name in ("never", "late"):
        box("touch", "-d", "3 days ago", stamps.format(name))
        box("systemctl", "start", f"{name}.timer")
    until(lambda: written(box, "/var/late"), what="it was made up for")
    assert written(box, "/var/late") == ["run"] and not written(box, "/var/never")
    assert shown(box, "never.timer", "ActiveState") == "active"


def test_a_job_is_tried_again_then_given_up_and_never_run_twice(box: Box) -> None:
    quick = {"initialSeconds": 0.1}
    fails = ["sh", "-c", "echo try >> /var/tries; exit 3"]
    manifest(box, "fails", "Job", command=fails, backoffLimit=2, backoff=quick)
    manifest(box, "slow", "Job", command=["sleep", "1000"], activeDeadlineSeconds=1, backoffLimit=0)
    manifest(box, "once", "Job", command=["sh", "-c", "echo run >> /var/once"])
    once = [{"app": "once", "condition": "Completed"}]
    manifest(box, "web", command=["sleep", "1000"], dependsOn=once)
    document = export(box)
    box("systemctl", "enable", "--now", "--no-block", *document["enable"])
    until(lambda: shown(box, "slow", "Result") == "timeout", what="it took too long")
    gone = ("start-limit-hit", "exit-code")
    until(lambda: shown(box, "fails", "ActiveState") == "failed", what="it was given up")
    assert shown(box, "fails", "Result") in gone
    assert written(box, "/var/tries") == ["try"] * 3
    until(lambda: shown(box, "web", "ActiveState") == "active", what="what waits for it runs")
    assert written(box, "/var/once") == ["run"]
    box.shut_down()
    box.boot()
    until(lambda: shown(box, "web", "ActiveState") == "active", what="it runs after a boot")
    assert shown(box, "once", "ConditionResult") == "no"
    assert written(box, "/var/once") == ["run"]


def test_a_restart_by_the_clock_replaces_all_instances(box: Box) -> None:
    manifest(box, "web", command=["sleep", "1000"], instances=2, restartSchedule="@daily")
    document = export(box)
    assert "web.restart.timer" in document["enable"]
    box("systemctl", "enable", "--now", *document["enable"])
    assert shown(box, "web.restart.timer", "NextElapseUSecRealtime")

    def pids() -> set[str]:
        return {shown(box, f"web@{n}", "MainPID") for n in (0, 1)}

    before = pids()
    assert "0" not in before
    box("systemctl", "start", "web.restart.service")
    until(lambda: not pids() & (before | {"0"}), what="both are others")
    box("systemctl", "stop", "web.target")
    until(lambda: pids() == {"0"}, what="both have been stopped")
    box("systemctl", "start", "web.restart.service")
    assert pids() == {"0"}
