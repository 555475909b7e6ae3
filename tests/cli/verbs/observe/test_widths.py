"""`recon status` on terminals of all widths and in a pipe, with long names and wide messages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest

from reconciler.render.cells import cells
from tests.api.test_client import Server
from tests.cli.conftest import Cli
from tests.cli.documents import app, error, status

PROGRAM = str(Path(sys.executable).with_name("recon"))
LONG = "a-name-of-an-app-that-has-as-many-letters-as-recon-lets-it-have"
MESSAGES = [
    "数据库没有准备好" * 9,
    "a sentence of some length that no line of 40 columns has room for",
    "",
]


def document() -> dict[str, Any]:
    apps = [
        {**app(name), "message": message}
        for name, message in zip((LONG, "web", "db"), MESSAGES, strict=True)
    ]
    return status(*apps, errors=[error("/x/a.yaml", message="it is wrong in so many words " * 4)])


@pytest.fixture
def server(cli: Cli) -> Iterator[Server]:
    cli.state.mkdir()
    made = Server(cli.state / "recon.sock")
    made.json(document())
    yield made
    made.close()


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
def test_no_line_of_status_is_wrapped_by_the_terminal(server: Server, columns: int) -> None:
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("COLUMNS", None)
    words = ["status", "-m", "manifests"]
    child = pexpect.spawn(PROGRAM, words, env=environment, dimensions=(50, columns), timeout=60)
    text = child.read()
    child.close()
    display = pyte.Screen(400, 60)  # as wide as anything: what is a line here was written as one
    pyte.ByteStream(display).feed(text)
    lines = [line.rstrip() for line in display.display if line.strip()]
    assert lines and all(cells(line) <= columns for line in lines)
    assert any(line.startswith("web") for line in lines)
    shown = " ".join(" ".join(lines).split())
    assert "it is wrong in so many words" in shown


def test_a_pipe_has_every_column_whole_and_no_control_character(
    cli: Cli, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    out = cli("status", "-m", cli.manifests).out
    header, *rows = out.splitlines()
    assert header.split() == ["APP", "SYNC", "HEALTH", "READY", "REV", "RESTARTS", "MESSAGE"]
    assert rows[0].startswith(LONG) and rows[0].endswith(MESSAGES[0])
    assert rows[1].endswith(MESSAGES[1])
    assert "\x1b" not in out and "…" not in out
