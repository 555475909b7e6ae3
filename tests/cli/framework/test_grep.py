"""A pattern that backtracks holds `recon logs` up for a moment at most; Ctrl-C ends it at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from reconciler.cli.framework import grep as grep_module
from reconciler.cli.framework.errors import CliError
from reconciler.cli.framework.grep import Grep, compiled
from tests.cli.conftest import Cli
from tests.waiting import until

SLOW = "a" * 60 + "b"
"""On which the patterns below backtrack for longer than anybody lives."""
PATTERNS = ["(a+)+$", "(a|a)*$", "^(a*)*c", "(.*a){30}x"]


@pytest.fixture
def log(cli: Cli) -> Path:
    cli.app("web")
    path = cli.state / "logs/web/0.out.log"
    path.parent.mkdir(parents=True)
    path.write_text(f"first\n{SLOW}\nlast\n")
    return path


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the time is too long, too: on these lines all is."""
    monkeypatch.setattr(grep_module, "_TICK", grep_module._TICK / 10)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("words", [[], ["--lines", "5"], ["--since", "1h"], ["--follow"]])
def test_a_bound_holds_and_says_what_to_do(cli: Cli, log: Path, words: list[str]) -> None:
    done = cli("logs", "web", "--grep", PATTERNS[0], *words)
    assert done.code == 1
    assert "--grep '(a+)+$' takes too long on a line of 61 characters; simplify it" in done.err
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("pattern", PATTERNS[1:])
def test_whatever_makes_it_slow(pattern: str) -> None:
    with compiled(pattern) as grep, pytest.raises(CliError, match="takes too long"):
        assert grep is not None
        grep.search(SLOW)


def test_many_lines_that_take_their_time_are_not_one_line() -> None:
    """Only a line that is the same at each look is too long a one."""
    with compiled("a+$") as grep:
        assert isinstance(grep, Grep)
        for _ in range(100):
            assert grep.search("aaa") is not None
            grep.tick(0, None)


def test_ctrl_c_ends_it_at_once(cli: Cli, log: Path) -> None:
    program = Path(sys.executable).with_name("recon")
    environment = {**os.environ, "RECON_STATE_DIR": str(cli.state), "NO_COLOR": "1"}
    command = [str(program), "logs", "web", "--grep", PATTERNS[0]]
    with subprocess.Popen(command, env=environment, stdout=-1, stderr=-1) as running:
        looked_at = psutil.Process(running.pid)
        # It has loaded, and more: what takes so much processor time is the line.
        until(lambda: sum(looked_at.cpu_times()[:2]) > 1.0, what="it looks for the pattern")
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, b""), err
    assert b"Traceback" not in err


@pytest.mark.parametrize(
    "pattern", ["(", "*a", "[", "(?P<x", "a{2,1}", "(" * 5000 + ")" * 5000, "a{99999999999}"]
)
def test_what_is_no_regular_expression_is_told_in_a_sentence(cli: Cli, pattern: str) -> None:
    done = cli("logs", "--grep", pattern)
    assert done.code == 64 and "is not a regular expression: " in done.err
    assert "Traceback" not in done.err
