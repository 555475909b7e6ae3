"""`recon export systemd`: what is written, printed and told."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Cli


def test_units_go_to_standard_output_and_the_report_beside_them(cli: Cli) -> None:
    cli.app("web")
    done = cli("export", "systemd")
    assert done.code == 0
    assert done.out.startswith("# --- web.service\n") and "ExecStart=" in done.out
    assert "differs" in done.err and "ExecStart" not in done.err
    assert all(len(line) <= 80 for line in done.err.splitlines())


def test_files_are_written_and_only_their_own_are_written_over(cli: Cli, tmp_path: Path) -> None:
    cli.app("web")
    out = tmp_path / "units"
    assert "wrote units/web.service" in cli("export", "systemd", "-o", out).out
    assert cli("export", "systemd", "-o", out).code == 0
    (out / "web.service").write_text("[Service]\n")
    done = cli("export", "systemd", "-o", out)
    assert done.code == 1 and "move it away" in done.err
    assert (out / "web.service").read_text() == "[Service]\n"


def test_json_has_the_notes_the_units_and_what_to_enable(cli: Cli) -> None:
    cli.app("web")
    cli.app("db")
    document = json.loads(cli("export", "systemd", "web", "--report", "json", "--for", "257").out)
    assert document["formatVersion"] == 1
    assert document["enable"] == ["web.service"] == [*document["units"]]
    assert "RestartSteps=6" in document["units"]["web.service"]


def test_a_manifest_with_a_mistake_is_told_and_the_others_are_exported(cli: Cli) -> None:
    cli.app("web")
    (cli.manifests / "bad.yaml").write_text("apiVersion: recon/v1\nkind: App\nnonsense: 1\n")
    done = cli("export", "systemd")
    assert done.code == 1
    assert "web.service" in done.out and "bad.yaml:3" in done.err


def test_what_cannot_be_is_a_sentence(cli: Cli) -> None:
    cli.app("web")
    assert "no app named nobody" in cli("export", "systemd", "nobody").err
    assert cli("export", "systemd", "--prefix", "a/b").code == 64
    assert cli("export", "nomad").code == 64
    assert "systemd" in cli("export", "--help").out
