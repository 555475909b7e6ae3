"""`recon man`: shown on a terminal, printed elsewhere, written on request."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pexpect
import pytest

from reconciler import __version__
from tests.cli.conftest import Cli

PROGRAM = str(Path(sys.executable).with_name("recon"))


def test_a_page_is_printed_as_roff_into_a_pipe(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1764151200")
    first, *_ = cli("man", "rollout", "undo").out.splitlines()
    assert first.startswith(".TH RECON\\-ROLLOUT\\-UNDO 1 2025-11-26 ")
    unknown = cli("man", "nonsense")
    assert unknown.code == 64 and "not a verb of recon" in unknown.err


def test_all_pages_are_written(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "share" / "man1"
    done = cli("man", "-o", folder)
    assert done.code == 0 and str(folder) in done.out
    assert {"recon.1", "recon-apply.1", "recon-import-pm2.1"} <= {*os.listdir(folder)}
    assert cli("man", "-o", folder).code == 0, "again, over those that are there"
    assert cli("man", "apply", "-o", folder).code == 64
    taken = tmp_path / "taken"
    taken.write_text("")
    refused = cli("man", "-o", taken)
    assert refused.code == 1 and str(taken) in refused.err


def test_on_a_terminal_man_shows_it() -> None:
    if shutil.which("man") is None:
        pytest.skip("SKIPPED: no man here")
    environment = {**os.environ, "TERM": "xterm", "PAGER": "cat", "MANPAGER": "cat"}
    shown = pexpect.spawn(PROGRAM, ["man", "apply"], env=environment, timeout=60)
    try:
        shown.expect_exact(f"recon {__version__}")  # at the foot of the page
    finally:
        shown.close(force=True)
