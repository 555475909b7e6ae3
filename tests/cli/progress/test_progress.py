"""The progress of `recon apply`: it moves on a terminal of any width, and is lines in a pipe."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pyte
import pytest

from tests.cli.conftest import MANIFEST, Cli

PROGRAM = str(Path(sys.executable).with_name("recon"))
SLOW = MANIFEST.format(name="web", tier="api", command="[sleep, '1000']") + "  minReadySeconds: 3\n"


@pytest.mark.parametrize("columns", [40, 80])
def test_it_is_drawn_over_and_leaves_nothing_behind(cli: Cli, columns: int) -> None:
    (cli.manifests / "web.yaml").write_text(SLOW)
    environment = {**os.environ, "TERM": "xterm", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    environment.pop("COLUMNS", None)
    child = pexpect.spawn(
        PROGRAM,
        ["apply", "-m", str(cli.manifests), "--state-dir", str(cli.state)],
        env=environment,
        dimensions=(24, columns),
        timeout=60,
    )
    display = pyte.Screen(columns, 24)
    stream = pyte.ByteStream(display)
    seen: set[str] = set()
    try:
        while True:
            stream.feed(child.read_nonblocking(65536, timeout=60))
            seen |= {line.strip() for line in display.display if "0 of 1 app ready" in line}
    except pexpect.EOF:
        pass
    finally:
        child.close()
    assert child.exitstatus == 0
    times = {line.rpartition(", ")[2] for line in seen}
    assert len(times) > 1, f"it does not move: {seen}"
    assert all(line.startswith("[") is (columns == 80) for line in seen)
    shown = [line.rstrip() for line in display.display if line.strip()]
    assert shown[-1].startswith("The app is ready after ")
    assert not any("0 of 1" in line or "HEALTH" in line for line in shown)


def test_in_a_pipe_each_change_is_a_line_without_a_control_character(cli: Cli) -> None:
    (cli.manifests / "web.yaml").write_text(SLOW)
    done = cli("apply", "-m", cli.manifests, "--state-dir", cli.state)
    assert done.code == 0 and "\x1b" not in done.out
    assert "web: Progressing, " in done.out and "\nweb: ready\n" in done.out
