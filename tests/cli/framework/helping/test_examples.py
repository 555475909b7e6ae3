"""Examples are commands that recon takes, and the help of every verb fits and reads well."""

from __future__ import annotations

import re
import shlex

import pytest

from reconciler.cli.framework.helping.examples import EXAMPLES, OWN_EXIT_CODES, exit_codes
from reconciler.cli.framework.verb import load
from tests.cli.conftest import Cli
from tests.cli.framework.helping.test_summaries import paths

PATHS = [path for path, _ in paths()]
GROUPS = ("rollout", "import", "export")


@pytest.mark.parametrize(
    "path", [path for path in PATHS if not path.startswith(("rollout", "import", "export"))]
)
def test_a_verb_has_an_example(path: str) -> None:
    assert path in EXAMPLES


@pytest.mark.parametrize("command", [one.command for ones in EXAMPLES.values() for one in ones])
def test_an_example_is_a_command_that_recon_takes(command: str) -> None:
    inner = re.fullmatch(r"source <\((.*)\)", command)
    words = shlex.split(inner[1] if inner else command.partition(" > ")[0])
    assert words.pop(0) == "recon"
    made = load(words.pop(0))
    while table := getattr(made, "table", None):
        made = load(words.pop(0), table)
    made.make_context("example", words)  # a UsageError where it is wrong


def test_no_example_and_no_exit_code_is_of_a_verb_that_is_gone() -> None:
    assert {*EXAMPLES} <= {"", *PATHS}
    assert {*OWN_EXIT_CODES} <= {*PATHS}
    assert [*exit_codes("apply")] == [0, 1, 2, 64, 130]


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("path", ["", *PATHS])
def test_the_help_fits_and_shows_no_type_of_python(
    cli: Cli, path: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    done = cli(*path.split(), "--help")
    assert done.code == 0
    assert "str]" not in done.out and "<str>" not in done.out and "{" not in done.out
    commands = {one.command for one in EXAMPLES.get(path, ())}
    for line in done.out.splitlines():
        whole = line.strip() in commands or " " not in line.strip()  # to copy; one long word
        assert len(line) <= columns or whole, line
    is_group = path in GROUPS
    assert ("Exit codes:" in done.out) is not is_group


def test_a_group_alone_shows_its_verbs(cli: Cli) -> None:
    done = cli("rollout")
    assert done.code == 64 and "undo" in done.err + done.out
