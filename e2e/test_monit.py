"""`recon monit` in a pseudo-terminal, beside a real controller."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.harness import PROGRAM, Recon, alive
from e2e.terminal import Terminal
from tests.waiting import until

ALTERNATE, BACK = b"\x1b[?1049h", b"\x1b[?1049l"
MOUSE_OFF, CURSOR_ON = b"\x1b[?1003l", b"\x1b[?25h"
_LOOPS = "import time\nfor n in range(200): print('line', n, flush=True)\nprint('a rare Needle')\n"


def monitor(recon: Recon, *options: str, size: tuple[int, int] = (80, 24), **env: str) -> Terminal:
    environment = {**recon.environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **env}
    del environment["NO_COLOR"]
    return Terminal([PROGRAM, "monit", *options], environment, size)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recon]:
    """Three apps that run, for all tests of this file that leave them running."""
    recon = Recon(tmp_path_factory.mktemp("shop"))
    try:
        _fill(recon)
        yield recon
    finally:
        recon.close()


def _fill(recon: Recon) -> None:
    program = recon.manifests / "writer.py"
    program.write_text(_LOOPS + "time.sleep(1000)\n")
    recon.app("writer", ["python3", "-u", str(program)])
    recon.write(
        "web.yaml",
        "apiVersion: recon/v1\nkind: App\nmetadata: {name: web, labels: {tier: front}}\n"
        "spec:\n  command: [sleep, '1000']\n  instances: 1   # for now\n"
        "  dependsOn: [writer]\n",
    )
    recon.app("other", "sleep 1000")
    recon.run()
    for name in ("writer", "web", "other"):
        recon.healthy(name)


def test_a_session(shop: Recon) -> None:
    with monitor(shop) as terminal:
        terminal.sees("other", "web", "writer", "Synced", "3 apps, 3 instances")
        terminal.type("/tier=front\r")
        terminal.sees("/tier=front", "▸ web", gone="▸ writer")
        terminal.type(" ")
        terminal.sees("web-0", "ready")
        terminal.type("d")
        terminal.sees("web: description", "Needs:     writer (Ready)", "Manifest:")
        terminal.type("g")
        terminal.sees("└─ writer  Healthy 1/1")
        terminal.type("p")
        terminal.sees("No changes: what runs is what is declared.")
        terminal.type("e")
        terminal.sees("web: events", "Started")
        terminal.type("qq\x1b")  # q goes back; a second one would leave
        assert terminal.ended() == 0


def test_logs_are_followed_and_searched(shop: Recon) -> None:
    with monitor(shop) as terminal:
        terminal.sees("▸ writer")
        terminal.type("\x1b[F")  # End
        terminal.type("l")
        terminal.sees("writer: logs", "a rare Needle")
        terminal.type("/line 7\r")
        terminal.sees("lines with 'line 7'", "line 79")
        terminal.type("n")
        terminal.sees("line 7")
        terminal.type("\x1b")
        terminal.sees("writer: logs", gone="lines with")
        terminal.type("\x1b")
        terminal.sees("▸ writer")
        terminal.type("q")
        assert terminal.ended() == 0


def test_scaling_shows_the_edit_of_the_manifest_first(shop: Recon) -> None:
    with monitor(shop, "-l", "tier=front") as terminal:
        terminal.sees("▸ web", gone="writer")
        terminal.type("+")
        terminal.sees("Scale web?", "-  instances: 1   # for now", "+  instances: 2   # for now")
        terminal.type("n")
        terminal.sees("▸ web", gone="Scale web?")
        assert "instances: 1 " in (shop.manifests / "web.yaml").read_text()
        terminal.type("s")
        terminal.sees("How many instances?")
        terminal.type("3\r")
        terminal.sees("+  instances: 3   # for now")
        terminal.type("y")
        terminal.sees("instances is now 3", "3/3", gone="Scale web?")
        assert "instances: 3   # for now" in (shop.manifests / "web.yaml").read_text()
        terminal.type("\x03")
        assert terminal.ended() == 0
    shop.healthy("web", ready=3)
    assert "scale" in shop.cli("events", "--audit")


def test_the_monitor_outlives_its_controller_and_says_when_it_is_blind(shop: Recon) -> None:
    with monitor(shop) as terminal:
        terminal.sees("▸ web")
        shop.kill_controller()
        terminal.sees("BLIND since", "no controller is running")
        terminal.sees("NO CONTROLLER since", "`recon apply` starts one", "▸ web")
        shop.run()
        terminal.sees("▸ web", gone="NO CONTROLLER")
        terminal.type("q")
        assert terminal.ended() == 0


def test_it_starts_without_a_controller(recon: Recon) -> None:
    recon.app("web", "sleep 1000")
    with monitor(recon) as terminal:
        terminal.sees("NO CONTROLLER since", "`recon apply` starts one", "web", "Missing")
        terminal.type("q")
        assert terminal.ended() == 0


@pytest.mark.parametrize("end", ["q", "\x03", "SIGTERM"])
def test_the_terminal_is_left_as_it_was(shop: Recon, end: str) -> None:
    with monitor(shop) as terminal:
        terminal.sees("▸ web")
        if end == "SIGTERM":
            os.kill(terminal.pid, signal.SIGTERM)
        else:
            terminal.type(end)
        assert terminal.ended() == (143 if end == "SIGTERM" else 0)
        assert terminal.raw.count(ALTERNATE) == terminal.raw.count(BACK) == 1
        last = terminal.raw[terminal.raw.index(BACK) - 400 :]
        assert MOUSE_OFF in last and CURSOR_ON in last


def test_a_closed_terminal_leaves_no_process(shop: Recon) -> None:
    with monitor(shop) as terminal:
        terminal.sees("▸ web")
        terminal.hang_up()
        until(lambda: not alive(terminal.pid), what="the monitor has ended")


def test_ctrl_z_gives_the_shell_back(shop: Recon) -> None:
    environment = {**shop.environment, "TERM": "xterm-256color", "PS1": "shell> ", "ENV": ""}
    with Terminal(["/bin/sh", "-i"], environment) as terminal:
        terminal.sees("shell>")
        terminal.type(f"{PROGRAM} monit\r")
        terminal.sees("web", "READY")
        terminal.type("\x1a")
        terminal.sees("Stopped")
        assert terminal.raw.count(BACK) == 1
        terminal.type("fg\r")
        until(lambda: terminal.text and terminal.raw.count(ALTERNATE) == 2)
        terminal.sees("READY", gone="Stopped")
        terminal.type("q")
        until(lambda: terminal.text and terminal.raw.count(BACK) == 2)
        terminal.type("exit\r")
        terminal.ended()


@pytest.mark.parametrize("term", ["vt100", "linux"])
def test_a_small_and_simple_terminal_will_do(shop: Recon, term: str) -> None:
    of_another = {"COLUMNS": "80", "LINES": "24"}
    with monitor(shop, size=(40, 12), TERM=term, LC_ALL="C", **of_another) as terminal:
        terminal.sees("web", "HEALTH", "Healthy")
        terminal.resize(100, 30)
        terminal.sees("MEMORY", "MESSAGE")
        terminal.resize(40, 12)
        terminal.sees("web", gone="MEMORY")
        terminal.type("q")
        assert terminal.ended() == 0
        assert b"\x1b[38;2;" not in terminal.raw


def test_text_of_strangers_is_not_obeyed(recon: Recon) -> None:
    program = recon.manifests / "odd.py"
    program.write_text(
        "import sys, time\n"
        "out = sys.stdout.buffer\n"
        "out.write(b'\\x1b]0;stolen title\\x07\\x1b[2J[bold]text[/bold]\\n')\n"
        "out.write('wide 漢字 \\u202ebidi\\n'.encode())\n"
        "out.write(b'not utf-8 \\xff\\xfe\\n' + b'x' * 65536 + b'\\nlast line\\n')\n"
        "out.flush()\ntime.sleep(1000)\n"
    )
    recon.app("odd", ["python3", str(program)])
    recon.run()
    recon.healthy("odd")
    with monitor(recon) as terminal:
        terminal.sees("▸ odd")
        terminal.type("l")
        terminal.sees("last line")
        terminal.type("\x1b[H")
        terminal.sees("[bold]text[/bold]", "漢字")
        assert b"stolen title\x07" not in terminal.raw
        assert "\u202e".encode() not in terminal.raw
        terminal.type("\x03")
        assert terminal.ended() == 0


def test_a_pipe_is_no_place_for_it(recon: Recon, tmp_path: Path) -> None:
    assert "recon status --watch" in recon.cli("monit", code=64)
