"""What a verb prints arrives, or one sentence says why not: whatever standard output is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def recon(*words: str, shell: str = "", **environ: str) -> subprocess.CompletedProcess[bytes]:
    """The program as people call it; ``shell``: what is written behind its words."""
    command = ["sh", "-c", f'exec "$@" {shell}', "sh", sys.executable, "-m", "reconciler", *words]
    env = {**os.environ, **environ}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False)


@pytest.mark.parametrize("words", [("--version",), ("schema",), ("explain", "spec.strategy")])
def test_a_full_disk_is_a_sentence(words: tuple[str, ...]) -> None:
    done = recon(*words, shell=">/dev/full")
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "recon: the output cannot be written: No space left on device\n"
    )


def test_a_reader_that_leaves_is_no_fault() -> None:
    done = recon("schema", shell="| head -c 1")
    assert (done.stdout, done.stderr) == (b"{", b"")


@pytest.mark.parametrize("shell", [">&-", ">&- 2>&-", "2>&-"])
def test_closed_output_is_no_fault(shell: str) -> None:
    assert recon("explain", "spec.strategy", shell=shell).returncode == 0


def test_an_encoding_without_a_character_gets_another_of_the_same_meaning(tmp_path: Path) -> None:
    path = tmp_path / "m" / "häuser-家.yaml"
    path.parent.mkdir()
    path.write_text("apiVersion: recon/v1\nkind: Ap\n")
    words = ("validate", "-m", str(path.parent))
    text = recon(*words, PYTHONIOENCODING="iso-8859-1")
    assert b"fault" not in text.stderr and "häuser-\\u5bb6.yaml" in text.stdout.decode("latin-1")
    document = recon(*words, "-o", "json", PYTHONIOENCODING="ascii").stdout
    (error, *_) = json.loads(document)["errors"]
    assert error["file"] == str(path)


def test_a_name_that_is_no_utf_8_can_be_printed(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(folder)
    Path(os.fsdecode(folder), "a.yaml").write_text("kind: Ap\n")
    done = recon("validate", "-m", os.fsdecode(folder))
    assert done.returncode == 1 and b"fault" not in done.stderr
    assert b"\\udcff/a.yaml" in done.stdout
