"""The answer to a shell: words that are safe in it, in the form it takes, and never an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.completion.answer import answer, split
from tests.api.test_client import Server
from tests.cli.conftest import Cli
from tests.cli.documents import app, status


def words(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert answer(arguments) == 0
    return [line.partition("\t")[0] for line in capsys.readouterr().out.splitlines()]


def test_verbs_options_and_words(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert words(capsys, "zsh", "stat") == ["words", "status"]
    assert words(capsys, "zsh", "rollout", "pau") == ["words", "pause"]
    assert words(capsys, "zsh", "status", "--wa") == ["words", "--watch"]
    assert words(capsys, "zsh", "status", "-w", "--wa") == ["words"], "it is given already"
    assert words(capsys, "zsh", "events", "--reason", "Exited", "--reas") == ["words", "--reason"]
    assert words(capsys, "zsh", "top", "--sort", "") == ["words", "cpu", "memory", "limit", "name"]
    assert words(capsys, "zsh", "apply", "-m", "") == ["folders"]
    assert words(capsys, "zsh", "validate", "") == ["files"]
    assert words(capsys, "zsh", "completion", "z") == ["words", "zsh"]
    assert words(capsys, "zsh", "man", "app") == ["words", "apply"]
    assert words(capsys, "zsh", "notify", "") == ["words", "test"]
    assert words(capsys, "zsh", "explain", "strategy.maxS") == ["words open", "strategy.maxSurge"]
    assert words(capsys, "zsh", "-") == ["words", "--version", "--help"]
    assert words(capsys, "zsh", "--") == ["words", "--version", "--help"]
    assert words(capsys, "zsh", "nonsense", "") == ["words"]


def test_bash_gets_what_follows_the_last_parting_character(
    cli: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.app("web")
    parting = " \"'><=;|&(:"
    assert words(capsys, "bash", "recon status --output=j", parting) == ["words", "json"]
    assert words(capsys, "bash", "recon status --output=j", "") == ["words", "--output=json"]
    assert words(capsys, "bash", "recon scale web=m", parting) == ["words", "max", "max-1"]
    assert words(capsys, "bash", "recon status -l tier=", parting) == ["words", "api"]


def test_names_come_from_the_controller(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    cli.app("only-declared")
    cli.state.mkdir()
    server = Server(cli.state / "recon.sock")
    try:
        suspended = {**app("idle"), "health": "Suspended"}
        odd = {**app("$(touch x)"), "name": "$(touch x)"}
        for _ in range(4):
            server.json(status(app("web"), suspended, odd))
        assert words(capsys, "fish", "status", "") == ["words", "idle", "web"]
        assert words(capsys, "fish", "status", "web", "") == ["words", "idle"]
        assert words(capsys, "fish", "resume", "") == ["words", "idle"]
        assert words(capsys, "fish", "suspend", "") == ["words", "web"]
    finally:
        server.close()
    assert words(capsys, "fish", "status", "") == ["words", "only-declared"]


def test_places_on_the_line_are_followed(
    cli: Cli, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    cli.app("elsewhere").rename(other / "elsewhere.yaml")
    assert words(capsys, "zsh", "status", "-m", str(other), "e") == ["words", "elsewhere"]
    assert words(capsys, "zsh", "status", f"--manifests={other}", "e") == ["words", "elsewhere"]
    assert words(capsys, "zsh", "status", "-m", str(tmp_path / "none"), "e") == ["words"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("recon st", ["recon", "st"]),
        ("recon ", ["recon", ""]),
        ("recon 'a b", ["recon", "a b"]),
        ('recon "a b" c', ["recon", "a b", "c"]),
        ("recon a\\ b", ["recon", "a b"]),
        ("", [""]),
    ],
)
def test_a_line_of_bash_is_split(text: str, parts: list[str]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    "arguments", [[], ["bash"], ["zsh"], ["nonsense", "x"], ["bash", "a", "b", "c"]]
)
def test_what_no_shell_sends_is_answered_in_silence(
    arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert answer(arguments) in (0, 1)
    assert capfd.readouterr().err == ""


def test_it_is_quick_for_it_loads_little() -> None:
    heavy = ("pydantic", "yaml", "psutil", "asyncio", "sqlite3", "textual")
    code = (
        "import sys\nfrom reconciler.cli.main import main\n"
        "try: main(['__complete', 'zsh', 'status', '--'])\n"
        f"finally: print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "--watch" in done.stdout and done.stderr.strip() == "[]"
