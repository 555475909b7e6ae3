"""What a folder says; what cannot be read says nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.convert.command.folder import Folder


@pytest.mark.parametrize("name", ["package.json", "pyproject.toml", "Procfile", ".env", "x.js"])
def test_a_file_that_cannot_be_read_says_nothing(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    folder = Folder(str(tmp_path))
    assert folder.name == tmp_path.name and folder.processes == []
    assert folder.variables == {} and folder.text(name) == ""
    (tmp_path / name).unlink()
    (tmp_path / name).write_bytes(b"\xff[[\0{")
    assert Folder(str(tmp_path)).name == tmp_path.name


def test_the_commands_of_npm_and_its_like_are_those_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"scripts": {"start": "node a.js", "dev": "vite"}}')
    folder = Folder(str(tmp_path))
    assert folder.script(["npm", "start"]) == ["node", "a.js"]
    assert folder.script(["npm", "run", "dev"]) == folder.script(["yarn", "dev"]) == ["vite"]
    assert folder.script(["npm", "dev"]) == folder.script(["node", "start"]) == []
