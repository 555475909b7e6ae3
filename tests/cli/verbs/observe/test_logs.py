"""`recon logs`: levels in colour on a terminal, JSON folded on request, and plain in a pipe."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest

from tests.cli.conftest import Cli

PROGRAM = str(Path(sys.executable).with_name("recon"))
LINES = (
    '2026-11-24T10:00:00.000Z {"level":"error","msg":"disk full","path":"/var"}\n'
    "2026-11-24T10:00:01.000Z INFO: plain text\n"
    "2026-11-24T10:00:02.000Z \x1b[35mERROR of its own colour\x1b[0m\n"
)


@pytest.fixture
def written(cli: Cli) -> Path:
    """A log, as a controller left it."""
    log = cli.state / "logs" / "web" / "0.out.log"
    log.parent.mkdir(parents=True)
    log.write_text(LINES)
    return log


def test_in_a_pipe_a_line_stays_what_the_program_wrote(cli: Cli, written: Path) -> None:
    assert cli("logs", "web").out.splitlines() == [
        'web-0 | {"level":"error","msg":"disk full","path":"/var"}',
        "web-0 | INFO: plain text",
        "web-0 | \x1b[35mERROR of its own colour\x1b[0m",
    ]


def test_pretty_folds_json_in_a_pipe_too_and_adds_no_colour(cli: Cli, written: Path) -> None:
    shown = cli("logs", "web", "--pretty").out.splitlines()
    assert shown[:2] == ["web-0 | ERROR disk full path=/var", "web-0 | INFO: plain text"]
    assert cli("logs", "--pretty", "--grep", "disk").out == "web-0 | ERROR disk full path=/var\n"
    assert cli("logs", "--pretty", "--since", "2026-11-24T10:00:01Z").out.count("\n") == 2


def on_terminal(*words: str, **environ: str) -> pexpect.spawn:
    kept = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    environment = {**kept, "TERM": "xterm", **environ}
    return pexpect.spawn(PROGRAM, [*words], env=environment, dimensions=(24, 80), timeout=60)


def test_on_a_terminal_a_level_has_its_colour(cli: Cli, written: Path) -> None:
    shown = on_terminal("logs", "web").read().decode()
    assert '{"level":"\x1b[31merror\x1b[0m"' in shown
    assert "\x1b[32mINFO\x1b[0m: plain text" in shown
    assert "\x1b[35mERROR of its own colour" in shown, "its own colour is left alone"
    plain = on_terminal("logs", "web", NO_COLOR="1").read().decode()
    assert '{"level":"error"' in plain and "\x1b[31m" not in plain


def test_pretty_follows(cli: Cli, written: Path) -> None:
    child = on_terminal("logs", "web", "-f", "--pretty", NO_COLOR="1")
    try:
        child.expect_exact("web-0 | ERROR disk full path=/var")
        with written.open("a") as log:
            log.write('2026-11-24T10:00:09.000Z {"level":40,"msg":"later","n":[1,2]}\n')
        child.expect_exact("web-0 | WARN  later n=[1, 2]")
    finally:
        child.close(force=True)


def test_an_instance_is_named_and_an_app_of_such_a_name_goes_first(cli: Cli) -> None:
    for app, text in (("web", "of web"), ("web-1", "of another app")):
        for instance in (0, 1):
            log = cli.state / "logs" / app / f"{instance}.out.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(f"2026-11-24T10:00:00.000Z {text} {instance}\n")
    assert cli("logs", "web-0").out == "web-0 | of web 0\n"
    assert sorted(cli("logs", "web-1").out.splitlines()) == [
        "web-1-0 | of another app 0",
        "web-1-1 | of another app 1",
    ]
    assert cli("logs", "web-1-1", "web-0").out.count("\n") == 2
    assert cli("logs", "web-7").out == "", "an instance that wrote nothing"
    unknown = cli("logs", "nothing-1")
    assert unknown.code == 1 and "there is no app named nothing-1" in unknown.err
