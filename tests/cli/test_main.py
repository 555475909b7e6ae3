"""From words to exit codes: usage 64, sentences instead of tracebacks."""

from __future__ import annotations

import re

import pytest

from reconciler import __version__
from reconciler.cli import main
from reconciler.cli.framework import table
from reconciler.cli.framework.helping.synonyms import ALIASES, SYNONYMS, resolved
from tests.cli.conftest import Cli


def test_alone_it_shows_help(cli: Cli) -> None:
    done = cli()
    assert done.code == 0
    for name in table.VERBS:
        assert f"  {name} " in done.out
    assert "..." not in done.out.partition("Commands:")[2]  # every verb's line fits


def test_version(cli: Cli) -> None:
    done = cli("--version")
    assert (done.code, done.out) == (0, f"recon {__version__}\n")


@pytest.mark.parametrize("name", list(table.VERBS))
def test_every_verb_has_help(cli: Cli, name: str) -> None:
    done = cli(name, "--help")
    assert done.code == 0
    assert f"Usage: recon {name}" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["statsu"], "did you mean status?"),
        (["start", "web"], "use `recon apply` to start everything"),
        (["stop", "web"], "use `recon suspend APP`"),
        (["rm", "web"], "delete its manifest"),
        (["plan"], "use `recon apply --dry-run`"),
        (["htop"], "use `recon top`"),
        (["help", "stop"], "use `recon suspend APP`"),
        (["status", "--nope"], "--nope"),
        (["status", "-o", "xml"], "write one of table, wide, json, yaml"),
        (["describe"], "APP"),
        (["logs", "--lines", "many"], "not a whole number"),
        (["logs", "--since", "soon"], "write e.g. 30s, 10m"),
        (["logs", "--grep", "("], "not a regular expression"),
        (["logs", "--stdout", "--stderr"], "cannot be used together"),
        (["restart"], "say --all"),
        (["scale", "web"], "write APP=N"),
        (["scale", "web=-1"], "not a whole number"),
        (["apply", "--base", "HEAD"], "--dry-run"),
        (["apply", "--watch"], "--watch needs --dry-run"),
        (["validate", "--fix", "--watch"], "use one of them"),
        (["apply", "--dry-run", "-o", "yaml"], "text, json, markdown"),
        (["status", "-l", "a==b==c"], "write name=value"),
    ],
)
def test_usage_errors_exit_64(cli: Cli, words: list[str], sentence: str) -> None:
    done = cli(*words)
    assert done.code == 64
    assert sentence in done.err
    assert done.out == ""


def test_unexpected_error_is_one_sentence_and_says_where(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> object:
        raise ZeroDivisionError("of no use")

    monkeypatch.setattr("reconciler.cli.framework.controller.status", fail)
    done = cli("status")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "ZeroDivisionError: of no use (" in done.err and "test_main.py:" in done.err
    with pytest.raises(ZeroDivisionError):
        cli("status", "--debug")
    monkeypatch.setenv("RECON_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli("status")


def test_ctrl_c_exits_130(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("reconciler.cli.framework.controller.status", interrupt)
    assert cli("status").code == 130


def test_operating_systems_error_names_the_file() -> None:
    error = PermissionError(13, "Permission denied", "/x/y")
    assert main._sentence(error) == "/x/y: Permission denied"


@pytest.mark.parametrize(
    ("habit", "words"),
    [
        (["ls"], ["status"]),
        (["ps", "-o", "wide"], ["status", "-o", "wide"]),
        (["help"], ["--help"]),
        (["help", "logs"], ["logs", "--help"]),
        (["help", "ps"], ["status", "--help"]),
        (["-v"], ["--version"]),
        (["version"], ["--version"]),
    ],
)
def test_habits_that_mean_the_same_are_taken_for_it(habit: list[str], words: list[str]) -> None:
    assert resolved(habit) == words


def test_no_synonym_hides_a_verb_or_names_one_that_is_not_there() -> None:
    assert not (SYNONYMS.keys() | ALIASES.keys()) & table.VERBS.keys()
    named = re.findall(r"`recon (?!rollout|import)([a-z-]+)", " ".join(SYNONYMS.values()))
    assert named and set(named) <= table.VERBS.keys()
