"""`recon export nomad`: what is written and refused."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli


def test_jobs_go_to_standard_output_or_into_files(cli: Cli, tmp_path: Path) -> None:
    cli.app("web")
    done = cli("export", "nomad")
    assert done.code == 0 and json.loads(done.out)["Job"]["ID"] == "web"
    assert "reserved" not in done.out and "differs" in done.err
    for _ in range(2):
        assert cli("export", "nomad", "-o", tmp_path).code == 0
    (tmp_path / "web.nomad.json").write_text("{}")
    assert "move it away" in cli("export", "nomad", "-o", tmp_path).err


def test_a_driver_that_it_does_not_know_is_refused(cli: Cli) -> None:
    cli.app("web")
    assert cli("export", "nomad", "--driver", "docker").code == 64
    made = cli("export", "nomad", "--driver", "exec2").out
    assert json.loads(made)["Job"]["TaskGroups"][0]["Tasks"][0]["Driver"] == "exec2"
