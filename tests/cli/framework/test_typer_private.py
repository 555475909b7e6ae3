"""What recon takes of typer's insides stands in one file, under a version bound."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
PRIVATE = ROOT / "reconciler/cli/framework/typer_private.py"
_INSIDES = re.compile(
    r"\btyper\.(_|core|main\b|BadParameter\.)|^(import|from) click|_runtime_param", re.MULTILINE
)


def test_no_other_file_knows_the_insides_of_typer() -> None:
    reaching = {
        file
        for top in ("reconciler", "e2e")
        for file in (ROOT / top).rglob("*.py")
        if _INSIDES.search(file.read_text(encoding="utf-8"))
    }
    assert reaching == {PRIVATE}


def test_the_version_of_typer_is_bounded_and_this_one_is_within() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [Requirement(line) for line in project["dependencies"]]
    (typer,) = [one for one in needed if one.name == "typer"]
    assert any(one.operator in ("<", "<=", "==", "~=") for one in typer.specifier)
    assert typer.specifier.contains(metadata.version("typer"))
