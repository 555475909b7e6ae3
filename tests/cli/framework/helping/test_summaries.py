"""The list of verbs says what the verbs say of themselves, and loads none of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from reconciler.cli.framework.helping.summaries import GROUPS, SUMMARIES, grouped
from reconciler.cli.framework.table import VERBS
from reconciler.cli.framework.verb import load, summary_of


def paths() -> Iterator[tuple[str, str]]:
    """Every verb, with the help of its command."""
    for verb in VERBS:
        command = load(verb)
        yield verb, command.help
        for name in getattr(command, "table", {}):
            yield f"{verb} {name}", load(name, command.table).help


@pytest.mark.parametrize(("path", "text"), [*paths()])
def test_a_summary_is_the_first_sentence_of_the_help(path: str, text: str) -> None:
    assert summary_of(path) == text.partition("\n")[0]
    assert path in SUMMARIES, "without it `recon --help` loads the verb"
    assert summary_of(path).endswith(".") and len(summary_of(path)) <= 80


def test_every_verb_is_in_one_group() -> None:
    listed = [verb for group in GROUPS.values() for verb in group]
    assert sorted(listed) == sorted(VERBS)
    assert [title for title, _ in grouped([*VERBS])] == [*GROUPS]
    assert grouped(["status", "fresh"]) == [("Look", ["status"]), ("Other", ["fresh"])]


def test_the_help_loads_no_verb() -> None:
    code = (
        "import sys\n"
        "from reconciler.cli.main import run\n"
        "assert run([]) == 0\n"
        "print([n for n in sys.modules if n.startswith('reconciler.cli.verbs.')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Look:" in done.stdout and done.stderr.strip() == "[]"
