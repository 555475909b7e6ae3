"""`validate` on secrets: what looks like a key is told, and moved by `--fix`, never shown."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

KEY = "gh" + "p_" + "a1B2" * 9  # put together here, so that no scanner takes it for a real one
SPEC = f"""\
  env:
    GREETING: hello   # stays
    DB_PASSWORD: hunter2-hunter2   # of the database
    GH: "{KEY}"
    AGAIN: {KEY}
    SAME: hunter2-hunter2
  profiles:
    dev: {{env: {{GH: {KEY}, DB_PASSWORD: devel-0ne}}}}
"""


def advice(cli: Cli) -> list[tuple[int, str]]:
    return [
        (one["line"], one["path"])
        for one in json.loads(cli("validate", "-o", "json").out)["advice"]
    ]


@pytest.fixture
def web(cli: Cli) -> Path:
    path = cli.app("web")
    path.write_text(path.read_text() + SPEC)
    return path


def test_a_literal_key_is_advice_with_its_place_and_without_its_value(cli: Cli, web: Path) -> None:
    assert advice(cli) == [(9, "spec.env.DB_PASSWORD"), (10, "spec.env.GH"), (11, "spec.env.AGAIN")]
    done = cli("validate")
    assert done.code == 0 and "looks like a GitHub token" in done.out
    assert KEY not in done.out and "hunter2" not in done.out


def test_fix_moves_each_key_to_one_file_and_shows_the_edit_without_it(cli: Cli, web: Path) -> None:
    before = web.read_text()
    done = cli("validate", "--fix")
    assert done.code == 0
    for secret in (KEY, "hunter2-hunter2", "devel-0ne"):
        assert secret not in done.out + done.err
    assert "+    GH: {" in done.out and "processes are replaced" in done.out
    folder = web.parent / "secrets/web"
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        "DB_PASSWORD": "hunter2-hunter2\n",
        "GH": f"{KEY}\n",
        "DB_PASSWORD.2": "devel-0ne\n",
    }
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in folder.iterdir())
    wanted = before
    for written, name in (
        (f'"{KEY}"', '{"secretFile": "secrets/web/GH"}'),
        (KEY, "{secretFile: secrets/web/GH}"),
        ("hunter2-hunter2", "{secretFile: secrets/web/DB_PASSWORD}"),
        ("devel-0ne", "{secretFile: secrets/web/DB_PASSWORD.2}"),
    ):
        wanted = wanted.replace(written, name)
    assert web.read_text() == wanted
    assert advice(cli) == []


def test_fix_again_does_nothing(cli: Cli, web: Path) -> None:
    cli("validate", "--fix")
    text, files = web.read_text(), sorted(web.parent.rglob("*"))
    done = cli("validate", "--fix")
    assert done.out == "1 app, no problems\n"
    assert (web.read_text(), sorted(web.parent.rglob("*"))) == (text, files)


def test_fix_that_ended_before_the_manifest_was_written_is_taken_up(cli: Cli, web: Path) -> None:
    before = web.read_text()
    cli("validate", "--fix")
    files = sorted(web.parent.rglob("*"))
    web.write_text(before)
    cli("validate", "--fix")
    assert sorted(web.parent.rglob("*")) == files and advice(cli) == []


def test_nothing_is_changed_where_the_files_cannot_be_written(cli: Cli, web: Path) -> None:
    before = web.read_text()
    (web.parent / "secrets").write_text("in the way")
    done = cli("validate", "--fix")
    assert done.code == 1 and "the manifest is as it was" in done.err
    assert web.read_text() == before and KEY not in done.err


def test_as_json_it_tells_what_it_moved_where(cli: Cli, web: Path) -> None:
    document = json.loads(cli("validate", "--fix", "-o", "json").out)
    assert document["fixed"][0] == {
        "file": str(web),
        "path": "spec.env.DB_PASSWORD",
        "to": str(web.parent / "secrets/web/DB_PASSWORD"),
    }
    assert KEY not in json.dumps(document) and len(document["fixed"]) == 6


def test_what_no_file_can_hold_is_advice_only(cli: Cli) -> None:
    path = cli.app("web", f"[sleep, '1000', --token={KEY}]")
    before = path.read_text()
    done = cli("validate", "--fix")
    assert "web.yaml:5:" in done.out and "secretFile" in done.out
    assert KEY not in done.out and path.read_text() == before


def test_a_json_manifest_is_fixed_as_well(cli: Cli) -> None:
    path = cli.manifests / "web.json"
    spec = {"command": ["sleep", "1000"], "env": {"API_TOKEN": KEY, "A": "b"}}
    head = {"apiVersion": "recon/v1", "kind": "App", "metadata": {"name": "web"}}
    path.write_text(json.dumps({**head, "spec": spec}, indent=2))
    cli("validate", "--fix")
    env = json.loads(path.read_text())["spec"]["env"]
    assert env == {"API_TOKEN": {"secretFile": "secrets/web/API_TOKEN"}, "A": "b"}


def test_the_same_key_in_two_manifests_of_one_folder_is_one_file(cli: Cli) -> None:
    for name in ("a", "b"):
        path = cli.app(name)
        path.write_text(path.read_text() + f"  env: {{TOKEN: {KEY}}}\n")
    cli("validate", "--fix")
    files = [file for file in (cli.manifests / "secrets").rglob("*") if file.is_file()]
    assert [file.relative_to(cli.manifests) for file in files] == [Path("secrets/a/TOKEN")]
    assert "secrets/a/TOKEN" in (cli.manifests / "b.yaml").read_text()


def test_a_file_that_others_can_read_is_told_with_the_remedy(cli: Cli, open_folder: Path) -> None:
    secret = open_folder / "token"
    secret.write_text("x")
    secret.chmod(0o644)
    path = cli.app("web")
    path.write_text(path.read_text() + f"  env: {{T: {{secretFile: {secret}}}}}\n")
    done = cli("validate")
    assert done.code == 0 and "mode 0644" in done.out and f"chmod o= {secret}" in done.out
    secret.chmod(0o600)
    assert advice(cli) == []


def test_root_leaves_the_file_to_the_owner_of_the_manifest(
    cli: Cli, web: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root writes into what belongs to another user")
    monkeypatch.setenv("RECON_STRICT_MODES", "no")  # else root acts on no such manifest at all
    os.chown(web, 65534, 65534)
    cli("validate", "--fix")
    made = [web.parent / "secrets", *(web.parent / "secrets").rglob("*")]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(65534, 65534)}
