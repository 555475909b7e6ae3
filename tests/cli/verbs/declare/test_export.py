"""`recon export systemd`: what is written, printed and told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
    assert cli("export", "mesos").code == 64
    assert "systemd" in cli("export", "--help").out


def test_a_job_comes_with_its_timer_and_what_to_enable(cli: Cli, tmp_path: Path) -> None:
    cli.app("web")
    text = cli.app("report").read_text().replace("kind: App", "kind: Job")
    (cli.manifests / "report.yaml").write_text(f"{text}  schedule: 30 3 * * MON\n")
    done = cli("export", "systemd", "-o", tmp_path / "units")
    assert done.code == 0
    assert "systemctl enable --now report.timer web.service" in done.out
    assert "concurrencyPolicy: runs do not overlap" in done.out
    timer = (tmp_path / "units/report.timer").read_text()
    assert "OnCalendar=Mon *-*-* 03:30:00\n" in timer


CONFIGS = {
    "ecosystem.json": (
        "pm2",
        '{"apps": [{"name": "api", "script": "sleep 1000", "instances": 2, "kill_timeout": 5000,'
        ' "env": {"PORT": 3000, "DB_PASSWORD": "hush hush"}, "cron_restart": "0 4 * * *",'
        ' "wait_ready": true, "watch": ["/usr/share/doc"], "exp_backoff_restart_delay": 100}]}',
    ),
    "Procfile": ("procfile", "api: sleep 1000\nworker: sh -c 'sleep $N'\n"),
    "supervisord.conf": (
        "supervisor",
        "[program:api]\ncommand=sleep 1000\nnumprocs=2\nprocess_name=%(process_num)s\n"
        "startsecs=5\nstopsignal=INT\nautorestart=unexpected\n",
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_what_was_imported_can_be_exported(cli: Cli, tmp_path: Path, name: str) -> None:
    system, config = CONFIGS[name]
    (tmp_path / name).write_text(config)
    assert cli("import", system, tmp_path / name).code == 0
    done = cli("export", "systemd", "--report", "json")
    assert done.code == 0 and "hush" not in done.out
    document = json.loads(done.out)
    assert document["problems"] == []
    assert any(unit.startswith("api") for unit in document["enable"])
    assert not any("does not know it" in note["text"] for note in document["notes"])
