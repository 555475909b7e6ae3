"""The wheel runs on each Python that is promised, and the sdist builds the same wheel."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from e2e.harness import Recon
from e2e.install import pythons
from e2e.install.built import Built, build, copy_of_tree, install, python
from e2e.install.release_check import only_for_a_release
from e2e.install.sample import run_sample


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    only_for_a_release("the wheel on each Python")
    return build(tmp_path_factory.mktemp("wheel"))


def test_twine_takes_both_without_a_warning(built: Built) -> None:
    said = python("twine", "check", "--strict", *built, where=built.wheel.parent)
    assert said.count("PASSED") == 2


def test_the_sdist_builds_the_wheel_that_the_tree_builds(built: Built, tmp_path: Path) -> None:
    """`python -m build` has built the wheel from the sdist."""
    tree = copy_of_tree(tmp_path / "tree")
    python("build", "--wheel", "--outdir", tmp_path / "dist", tree, where=tmp_path)
    (of_tree,) = (tmp_path / "dist").glob("*.whl")
    assert _contents(of_tree) == _contents(built.wheel)


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.mark.parametrize("version", pythons.PROMISED)
def test_the_wheel_runs_the_sample_on(
    *,
    version: str,
    built: Built,
    recon: Recon,
    unused_port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interpreter = pythons.find(version)
    if interpreter is None:
        pytest.skip(f"SKIPPED: this machine has no Python {version}")
    monkeypatch.chdir(tmp_path)
    program = install(built.wheel, tmp_path / "venv", interpreter)
    run_sample(recon, program, unused_port)

    first = tmp_path / "first"
    first.mkdir()
    recon.cli("init", "--manifests", first / "manifests", "--", "sleep", "1000")
    assert "1 app" in recon.cli("validate", "--manifests", first / "manifests")
