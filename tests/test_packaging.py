"""What a package of recon says about itself, without building one (`e2e/test_wheel.py` does)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from reconciler import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_version_stands_in_two_places_and_is_the_same() -> None:
    assert PROJECT["version"] == __version__


def test_the_changelog_has_the_released_version_and_what_comes_next() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    sections = re.findall(r"^## \[(.+?)\](?: - \d{4}-\d\d-\d\d)?$", text, re.M)
    assert sections[:2] == ["Unreleased", __version__]


def test_each_python_that_is_promised_is_tested() -> None:
    promised = {
        name.rpartition(" ")[2]
        for name in PROJECT["classifiers"]
        if re.search(r"Python :: 3\.\d+$", name)
    }
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    matrix = re.search(r"python: \[(.*)\]", workflow)
    assert matrix is not None
    assert set(re.findall(r"[\d.]+", matrix[1])) == promised
    assert min(promised, key=_minor) == PROJECT["requires-python"].removeprefix(">=")


def _minor(version: str) -> int:
    return int(version.rpartition(".")[2])


def test_a_library_whose_undocumented_parts_are_used_has_an_upper_bound() -> None:
    reaches_into = {"typer", "python-dotenv"}
    bounded = {re.split(r"[<>=]", need)[0] for need in PROJECT["dependencies"] if "<" in need}
    assert bounded >= reaches_into


def test_the_packages_that_are_pinned_by_hash_are_those_that_are_needed() -> None:
    text = (ROOT / "packaging/requirements.txt").read_text()
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", text, re.M))
    for need in map(Requirement, PROJECT["dependencies"]):
        version = pinned.get(need.name.lower().replace("_", "-"))
        assert version is not None, f"packaging/requirements.txt has no {need.name}"
        assert need.specifier.contains(version), f"{need} is pinned to {version}"
