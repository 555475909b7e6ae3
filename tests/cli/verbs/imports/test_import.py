"""`recon import`: files, report and exit codes as its user sees them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from reconciler.cli.framework.table import IMPORT
from tests.cli.conftest import Cli

APPS = {
    "apps": [
        {"name": "backend", "script": "sleep", "args": "1000", "env": {"DB_PASSWORD": "hush hush"}},
        {
            "name": "front end",
            "script": "sleep 1000",
            "max_restarts": 3,
            "cron_restart": "0 4 * * *",
        },
    ]
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ecosystem.json"
    path.write_text(json.dumps(APPS))
    return path


def written(cli: Cli) -> list[str]:
    return sorted(os.listdir(cli.manifests))


def test_what_is_imported_is_valid_and_the_report_says_what_changed(cli: Cli, config: Path) -> None:
    done = cli("import", "pm2", config)
    assert done.code == 0
    assert written(cli) == ["backend.yaml", "front-end.yaml", "secrets"]
    assert "wrote 2 manifests, 1 secret (0600) to manifests" in done.out
    for words in (
        "backend  ecosystem.json → manifests/backend.yaml",
        "DB_PASSWORD: a password: moved to manifests/secrets/backend/DB_PASSWORD",
        "front end is now front-end",
        "max_restarts: gives up after this many restarts",
        "For every app:",
    ):
        assert words in done.out
    assert "hush" not in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    valid = cli("validate")
    assert (valid.code, valid.out) == (0, "2 apps, no problems\n")
    again = cli("import", "pm2", config)
    assert again.code == 1
    assert "backend.yaml and 2 more already exists; nothing was written" in again.err


def test_a_dry_run_shows_the_manifests_and_writes_nothing(cli: Cli, config: Path) -> None:
    done = cli("import", "pm2", config, "--dry-run")
    assert done.code == 0
    assert "  command: [sleep, 1000]" in done.out
    assert "DB_PASSWORD: {secretFile: secrets/backend/DB_PASSWORD}" in done.out
    assert "nothing was written (--dry-run)" in done.out
    assert "hush" not in done.out
    assert written(cli) == []


def test_the_report_as_json(cli: Cli, config: Path) -> None:
    done = cli("import", "pm2", config, "--report", "json", "--only", "front end")
    document = json.loads(done.out)
    assert document["formatVersion"] == 1
    assert [app["name"] for app in document["apps"]] == ["front-end"]
    assert document["written"] == [str(cli.manifests / "front-end.yaml")]
    notes = {note["key"]: note["fate"] for note in document["apps"][0]["notes"]}
    assert notes["cron_restart"] == "changed"
    assert notes["max_restarts"] == "unneeded"


def test_only_prefix_and_another_directory(cli: Cli, config: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    done = cli("import", "pm2", config, "--only", "backend", "--prefix", "crm-", "-o", other)
    assert done.code == 0
    assert sorted(os.listdir(other)) == ["crm-backend.yaml", "secrets"]
    assert "recon apply --dry-run -m other" in done.out
    unknown = cli("import", "pm2", config, "--only", "nobody")
    assert unknown.code == 1
    assert "there are backend, front end" in unknown.err


def test_what_the_host_lacks_is_told_with_the_place(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "ecosystem.json"
    config.write_text('{"script": "x.js", "cwd": "/nowhere/at/all"}')
    done = cli("import", "pm2", config)
    assert done.code == 0
    assert "manifests/x.yaml:" in done.out
    assert "/nowhere/at/all" in done.out
    assert "Fix the problems above" in done.out


def test_mistakes_are_one_sentence_and_write_nothing(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "ecosystem.json"
    config.write_text('{"apps": [{"name": "a"}]}')
    done = cli("import", "pm2", config)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"recon: {config}: app 1 (a) has no script; PM2 would not start it\n"
    assert cli("import", "pm2").code == 64
    assert cli("import", "pm2", config, "--report", "xml").code == 64
    assert cli("import", "procfile", "-c", "web").code == 64
    assert "did you mean pm2?" in cli("import", "pm").err


def test_a_name_in_two_files_is_told_with_both_and_what_helps(cli: Cli, tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_text('[{"name": "web", "script": "a.js"}, {"name": "job", "script": "b.js"}]')
    other.write_text('[{"name": "web", "script": "c.js"}]')
    done = cli("import", "pm2", one, other)
    assert (done.code, done.out) == (1, "")
    assert f"web is declared in {one} and {other}\n" in done.err
    assert cli("import", "pm2", one, other, "--only", "job").code == 0
    assert cli("import", "pm2", other).code == 0
    assert cli("import", "pm2", one, "--only", "web", "--prefix", "old-").code == 0
    assert written(cli) == ["job.yaml", "old-web.yaml", "web.yaml"]
    one.write_text('[{"name": "web", "script": "a.js"}, {"name": "web", "script": "b.js"}]')
    assert "2 times\na name must be unique: rename one there" in cli("import", "pm2", one).err


def test_a_procfile_and_a_file_of_supervisord(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: sleep $PORT\n")
    (tmp_path / "supervisord.conf").write_text("[program:job]\ncommand=sleep 5\n")
    assert cli("import", "procfile", "-c", "web=2", "-p", "4000").code == 0
    assert cli("import", "supervisor", "supervisord.conf").code == 0
    assert written(cli) == ["job.yaml", "web.yaml"]
    assert cli("validate").out == "2 apps, no problems\n"
    assert "PORT: {perInstance: 4000}" in (cli.manifests / "web.yaml").read_text()


def test_a_file_of_which_nothing_can_be_written_says_why(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "s.conf").write_text("[eventlistener:mail]\ncommand=x\n[unix_http_server]\n")
    done = cli("import", "supervisor", "s.conf")
    assert done.code == 1
    assert "[eventlistener:mail]: listens to supervisord's events" in done.out
    assert done.out.endswith("no apps found; nothing was written\n")


def test_only_what_is_to_be_done_is_a_comment(cli: Cli, tmp_path: Path) -> None:
    plain = {"name": "web", "script": "sleep", "args": "9", "max_restarts": 3, "vizion": False}
    odd = {"name": "odd", "script": "sleep", "args": "9", "kill_timeout": "soon", "max_restarts": 3}
    (tmp_path / "e.json").write_text(json.dumps([plain, odd]))
    assert cli("import", "pm2", "e.json").code == 0
    assert (cli.manifests / "web.yaml").read_text() == (
        "apiVersion: recon/v1\n"
        "kind: App\n"
        "metadata: {name: web}\n"
        "spec:\n"
        "  command: [sleep, 9]\n"
        "  cwd: ..\n"
        "  strategy: {maxSurge: 0}\n"
        "  stop: {signal: SIGINT}\n"
    )
    lines = (cli.manifests / "odd.yaml").read_text().splitlines()
    assert lines[0].startswith("# To do: kill_timeout: 'soon' is not a time")
    assert len([line for line in lines if line.lstrip().startswith("#")]) == 1


def test_validate_names_lines_of_dotenv_files_that_others_read_differently(
    cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("A=1\nPASSWORD=hunter2#hunter3\n")
    (tmp_path / ".env").chmod(0o600)
    (tmp_path / "Procfile").write_text("web: sleep 9\n")
    done = cli("import", "procfile")
    assert done.code == 0 and "line 2, PASSWORD: dotenv and Node end the value" in done.out
    valid = cli("validate")
    assert valid.code == 0 and ".env:2: PASSWORD: dotenv and Node end the value" in valid.out
    assert "hunter" not in done.out + valid.out


@pytest.mark.parametrize("name", list(IMPORT))
def test_every_verb_has_help(cli: Cli, name: str) -> None:
    done = cli("import", name, "--help")
    assert done.code == 0
    assert f"Usage: recon import {name}" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
