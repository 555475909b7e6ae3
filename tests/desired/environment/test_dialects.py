"""Dotenv lines, read by the real dotenv and the real Node: where recon differs, it says so."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dotenv.parser import parse_stream
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.environment.dialects import _dotenv, differences

LINES = json.loads(Path(__file__).with_name("dotenv_lines.json").read_text(encoding="utf-8"))
_DOTENV = """
const { parse } = require(process.argv[1]);
process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0, 'utf8')).map(
  (text) => parse(text))));
"""


@pytest.fixture(scope="module")
def dotenv(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """What dotenv 16 reads from each line."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("no npm and node in PATH: recon is not compared with dotenv 16")
    folder = tmp_path_factory.mktemp("npm")
    done = subprocess.run(
        ["npm", "pack", "dotenv@16", "--silent"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"npm cannot fetch dotenv 16 to compare with: {done.stderr[:200]}")
    (archive,) = folder.glob("*.tgz")
    shutil.unpack_archive(archive, folder, filter="data")
    answer = subprocess.run(
        ["node", "-e", _DOTENV, str(folder / "package")],
        input=json.dumps(LINES),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, str]] = json.loads(answer.stdout)
    return found


@pytest.fixture(scope="module")
def node() -> list[dict[str, str]]:
    """What `node --env-file` reads from each line; by its parser, and so in one process."""
    if shutil.which("node") is None:
        pytest.skip("no node in PATH: recon is not compared with `node --env-file`")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    if not version.stdout.startswith("v20."):
        pytest.skip(f"Node is {version.stdout.strip()}: what is written here is true of Node 20")
    code = (
        "const { parseEnv } = require('util');"
        "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0, 'utf8'))"
        ".map((text) => parseEnv(text + '\\n'))));"
    )
    answer = subprocess.run(
        ["node", "-e", code], input=json.dumps(LINES), capture_output=True, text=True, check=True
    )
    found: list[dict[str, str]] = json.loads(answer.stdout)
    return found


def recons(text: str) -> dict[str, str] | None:
    """What recon reads; None where it refuses the line."""
    bindings = [*parse_stream(io.StringIO(text + "\n"))]
    if any(one.error or (one.key is not None and one.value is None) for one in bindings):
        return None
    return {one.key: one.value for one in bindings if one.key and one.value is not None}


def test_there_are_lines_enough() -> None:
    assert len(set(LINES)) >= 80


def test_a_line_is_named_where_the_others_read_something_else(
    dotenv: list[dict[str, str]], node: list[dict[str, str]]
) -> None:
    wrong = []
    for text, by_dotenv, by_node in zip(LINES, dotenv, node, strict=True):
        ours = recons(text)
        if ours is None:
            continue
        differs = ours != by_dotenv or ours != by_node
        named = [*differences(text + "\n")]
        if differs != bool(named):
            wrong.append((text, ours, by_dotenv, by_node, named))
        if named and ours == by_dotenv:
            assert "`node --env-file`" in named[0].message, text
    assert not wrong, wrong


def test_the_port_of_dotenv_is_dotenv(dotenv: list[dict[str, str]]) -> None:
    for text, theirs in zip(LINES, dotenv, strict=True):
        assert dict(pair for _, pair in _dotenv(text)) == theirs, text


@pytest.mark.skipif(shutil.which("node") is None, reason="no node in PATH: nothing to compare with")
def test_node_reads_a_file_as_its_parser_reads_a_text(
    tmp_path: Path, node: list[dict[str, str]]
) -> None:
    """The two are one in Node; a few lines by the option itself."""
    code = "process.stdout.write(JSON.stringify(process.env))"
    for text, theirs in [*zip(LINES, node, strict=True)][::15]:
        (tmp_path / ".env").write_text(text + "\n", encoding="utf-8")
        done = subprocess.run(
            ["node", f"--env-file={tmp_path}/.env", "-e", code],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        del found["PATH"]
        assert found == theirs, text


def test_lines_are_counted_and_values_never_told() -> None:
    text = "# c\n\nA=1\n\nPASSWORD=hunter2#hunter3\nB=`hunter4`\n\n\tC=5\nD='x\ny'\nE=hunter6#\n"
    found = [*differences(text)]
    assert [(one.line, one.name) for one in found] == [
        (5, "PASSWORD"),
        (6, "B"),
        (8, "C"),
        (11, "E"),
    ]
    assert "hunter" not in str([one.message for one in found])


@given(st.text("A=\"'`# \\n\t\nx:{}$\r", max_size=40))
def test_any_text_is_looked_through(text: str) -> None:
    assert all(one.line >= 1 and one.message for one in differences(text))
