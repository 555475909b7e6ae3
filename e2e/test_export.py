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
with open(sys.argv[1] + number, "w") as file:
    json.dump(told, file)
def leave(*_):
    with open("/var/out/stops", "a") as file:
        file.write(sys.argv[1] + number + "\\n")
    sys.exit()
signal.signal(signal.SIGUSR1, leave)
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


def manifest(box: Box, name: str, **spec: Any) -> None:
    document = {"apiVersion": "recon/v1", "kind": "App", "metadata": {"name": name}, "spec": spec}
    write(box, f"{HOME}/{name}.yaml", json.dumps(document, ensure_ascii=False))


def recon(box: Box, *words: str, code: int | None = 0) -> str:
    return box(PROGRAM, *words, code=code)


def told(box: Box, path: str) -> dict[str, Any]:
    """What the program said of itself; it is taken away, so that the next one is seen."""

    def text() -> str:
        found: Path = box.file(path)
        content = found.read_text() if found.exists() else ""
        return content if content.endswith("}") else ""

    document: dict[str, Any] = json.loads(until(text, 30, f"{path} is written"))
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
    stops = box.file("/var/out/stops").read_text().split()
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

    until(both, 30, "both instances answer on one socket")


def test_pre_stop_sees_the_process_and_a_crash_is_restarted(box: Box) -> None:
    hook = ["sh", "-c", 'kill -0 "$RECON_PID" && echo "$RECON_PID $T_X" >> /var/hook']
    manifest(box, "app", command=["sleep", "1000"], env={"T_X": "é"}, stop={"preStop": hook})
    export(box)
    box("systemctl", "start", "app")

    def main() -> str:
        return box("systemctl", "show", "-p", "MainPID", "--value", "app").strip()

    first = main()
    box("kill", "-9", first)
    until(lambda: main() not in ("0", first), 30, "it was restarted")
    second = main()
    box("systemctl", "stop", "app")
    assert box.file("/var/hook").read_text() == f"{second} é\n"
    assert box("systemctl", "is-failed", "app", code=None).strip() == "inactive"
