"""`recon init --dashboard`: a manifest that is right, beside others, and never over another."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli


def test_the_manifest_is_valid_and_runs_this_recon(cli: Cli) -> None:
    done = cli("init", "own", "--dashboard")
    assert done.code == 0 and "wrote own/dashboard.yaml" in done.out
    text = Path("own/dashboard.yaml").read_text()
    assert '"dashboard", "--listen", "127.0.0.1:7333", "--state-dir"' in text
    assert cli("validate", "own").code == 0


def test_it_is_written_beside_other_manifests_but_not_over_one(cli: Cli) -> None:
    assert cli("init", "own").code == 0
    assert cli("init", "own", "--dashboard").code == 0
    Path("own/dashboard.yaml").write_text("mine")
    done = cli("init", "own", "--dashboard")
    assert done.code == 1 and "already exists; nothing was written" in done.err
    assert Path("own/dashboard.yaml").read_text() == "mine"
