"""What a program lacks in its own directory."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from reconciler.checks.runtimes import lacking, missing_interpreter
from reconciler.model.state.finding import Level


def package(folder: Path, **content: Any) -> None:
    (folder / "package.json").write_text(json.dumps(content))


def told(folder: Path, *command: str) -> list[str]:
    return [f"{one.message} → {one.remedy}" for one in lacking(command, str(folder))]


def test_a_script_that_was_not_built(tmp_path: Path) -> None:
    package(tmp_path, scripts={"build": "tsc"})
    (found,) = told(tmp_path, "node", "--enable-source-maps", "-r", "./hook.js", "dist/main.js")
    assert "there is no file" in found and "dist/main.js" in found
    assert f"cd {tmp_path} && npm run build" in found
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/main.js").touch()
    assert told(tmp_path, "node", "dist/main.js") == []
    assert told(tmp_path, "node", "dist/main") == []
    assert told(tmp_path, "/usr/bin/node", "-e", "1") == []


def test_packages_that_are_not_installed(tmp_path: Path) -> None:
    app = tmp_path / "packages/api"
    app.mkdir(parents=True)
    (app / "main.js").touch()
    package(app, dependencies={"express": "^4", "@nestjs/core": "^10"})
    (app / "package-lock.json").touch()
    (found,) = told(app, "node", "main.js")
    assert "express, @nestjs/core" in found and f"cd {app} && npm ci" in found
    # Workspaces put them at the top.
    (tmp_path / "node_modules/express").mkdir(parents=True)
    (app / "node_modules/@nestjs/core").mkdir(parents=True)
    assert told(app, "node", "main.js") == []


@pytest.mark.parametrize(
    ("lock", "how"),
    [
        ("pnpm-lock.yaml", "pnpm install --frozen-lockfile"),
        ("yarn.lock", "yarn install --frozen-lockfile"),
        ("none", "npm install"),
    ],
)
def test_each_installer_has_its_lock(tmp_path: Path, lock: str, how: str) -> None:
    package(tmp_path, dependencies={"a": "1", "b": "1", "c": "1", "d": "1"})
    (tmp_path / lock).touch()
    (found,) = told(tmp_path, "npm", "start")
    assert found.endswith(how) and "a, b, c and 1 more" in found


def test_a_named_script_stands_in_package_json(tmp_path: Path) -> None:
    assert "no package.json" in told(tmp_path, "npm", "run", "serve")[0]
    package(tmp_path, scripts={"start:prod": "vite preview"})
    assert told(tmp_path, "npm", "run", "start:prod") == []
    assert told(tmp_path, "npm", "start") == []
    (found,) = told(tmp_path, "npm", "run", "--silent", "start:prd")
    assert "has no script start:prd" in found and "did you mean start:prod?" in found
    assert told(tmp_path, "npm", "exec", "vite") == []


def test_a_python_script_and_its_environment(tmp_path: Path) -> None:
    assert "there is no file" in told(tmp_path, "python3", "-u", "-X", "dev", "main.py")[0]
    (tmp_path / "main.py").touch()
    assert told(tmp_path, "python3", "main.py") == []
    assert told(tmp_path, "python3", "-m", "http.server") == []
    (tmp_path / "requirements.txt").touch()
    (found,) = lacking(["python3", "main.py"], str(tmp_path))
    assert found.level is Level.WARNING and "pip install -r requirements.txt" in found.remedy
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").touch()
    (found,) = lacking(["python3", "main.py"], str(tmp_path))
    assert "write .venv/bin/python" in found.remedy
    assert told(tmp_path, ".venv/bin/python", "main.py") == []


def test_of_other_programs_and_of_torn_files_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{")
    assert told(tmp_path, "npm", "start") == [f"{tmp_path}/package.json is not JSON → correct it"]
    assert told(tmp_path, "redis-server", "x.conf") == []
    package(tmp_path, dependencies=["odd"], scripts=3)
    assert told(tmp_path, "npm", "start") == []


def test_the_file_that_a_script_of_npm_runs(tmp_path: Path) -> None:
    package(tmp_path, scripts={"build": "nest build", "start:prod": "node dist/main", "odd": 3})
    (found,) = told(tmp_path, "npm", "run", "start:prod")
    assert "there is no file" in found and "dist/main" in found and "npm run build" in found
    assert told(tmp_path, "npm", "run", "odd") == []
    package(
        tmp_path, scripts={"start": "tsc && node dist/main", "x": "node $MAIN", "y": "node -e 1"}
    )
    for name in ("start", "x", "y"):
        assert told(tmp_path, "npm", "run", name) == []


@pytest.mark.parametrize(
    ("first", "message", "remedy"),
    [
        ("#!/old/venv/bin/python3", "is run by /old/venv/bin/python3", "virtual environment again"),
        ("#! /no/such/sh -e", "is run by /no/such/sh, which", "correct its first line"),
        ("#!/bin/sh\r", "end with CR LF as on Windows", "sed -i"),
    ],
)
def test_a_program_whose_interpreter_is_not_there(
    tmp_path: Path, first: str, message: str, remedy: str
) -> None:
    program = tmp_path / "gunicorn"
    program.write_bytes(f"{first}\nx\n".encode())
    found = missing_interpreter(str(program))
    assert found is not None and message in found.message and remedy in found.remedy


@pytest.mark.parametrize("first", ["#!/bin/sh", "#!/usr/bin/env python3", "\x7fELF", "", "#!", "x"])
def test_a_program_that_can_be_run_is_no_finding(tmp_path: Path, first: str) -> None:
    (tmp_path / "x").write_text(first + "\n")
    assert missing_interpreter(str(tmp_path / "x")) is None


def test_what_a_virtual_environment_lacks(tmp_path: Path) -> None:
    lines = ["flask==3.0", "Uvicorn[standard] >= 0.2", "ruamel.yaml", "# x", "", "-r more.txt"]
    lines += ["x @ https://example.test/x.whl", 'tomli; python_version < "3.11"', "gone  # needed"]
    (tmp_path / "requirements.txt").write_text("\n".join(lines))
    assert told(tmp_path, ".venv/bin/gunicorn", "app") == []  # a problem of the manifest
    packages = tmp_path / ".venv/lib/python3.11/site-packages"
    for name in ("ruamel_yaml-0.18.dist-info", "uvicorn-0.30.1.dist-info"):
        (packages / name).mkdir(parents=True)
    (tmp_path / ".venv/pyvenv.cfg").touch()
    (found,) = told(tmp_path, ".venv/bin/gunicorn", "app")
    assert "not installed: flask, gone →" in found
    assert found.endswith(f"cd {tmp_path} && .venv/bin/pip install -r requirements.txt")
    for name in ("Flask-3.0.2.dist-info", "gone-1.dist-info"):
        (packages / name).mkdir()
    assert told(tmp_path, ".venv/bin/gunicorn", "app") == []


def test_pips_own_folders_are_found_in_a_real_environment() -> None:
    """The one that the tests run in: what it certainly has, and what it certainly has not."""
    python = Path(sys.prefix) / "bin/python"
    if not (Path(sys.prefix) / "pyvenv.cfg").is_file():
        pytest.skip("the tests do not run in a virtual environment")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "requirements.txt").write_text("pytest\npydantic>=2\nno-such-thing\n")
        (found,) = lacking([str(python), "-m", "x"], folder)
        assert "not installed: no-such-thing" in found.message


@pytest.mark.parametrize("name", ["package.json", "requirements.txt", "run"])
def test_a_fifo_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path, name: str) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/pyvenv.cfg").touch()
    os.mkfifo(tmp_path / name)
    for command in (("npm", "start"), (".venv/bin/x",), ("node", "x.js")):
        told(tmp_path, *command)
    assert missing_interpreter(str(tmp_path / "run")) is None
