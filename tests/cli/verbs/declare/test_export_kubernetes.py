"""`recon export kubernetes`: what is written, printed and refused."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Cli


@pytest.fixture
def web(cli: Cli) -> Path:
    """An app of another host: its program and its user are not here."""
    file = cli.manifests / "web.yaml"
    file.write_text(
        "apiVersion: recon/v1\nkind: App\nmetadata: {name: web}\nspec:\n"
        "  image: web:1\n  command: [no-such-program]\n  user: no-such-user\n"
        "  env: {PW: {secretFile: pw}, TOKEN: {fromEnv: WEB_TOKEN}}\n"
    )
    return file


def test_objects_go_to_standard_output_and_the_report_beside_them(cli: Cli, web: Path) -> None:
    done = cli("export", "kubernetes")
    assert done.code == 0, done.err
    (deployment,) = yaml.safe_load_all(done.out)
    assert deployment["kind"] == "Deployment"
    assert "to do" in done.err and "kind:" not in done.err
    assert all(len(line) <= 80 for line in done.err.splitlines())


def test_an_app_without_an_image_is_named_and_the_others_are_exported(cli: Cli, web: Path) -> None:
    cli.app("bare")
    done = cli("export", "kubernetes")
    assert done.code == 1
    assert "bare.yaml:1:1: spec.image: is not set" in done.err.replace("\n  ", " ")
    assert "name: web" in done.out and "bare" not in done.out


def test_secrets_go_to_files_of_their_own_and_to_no_terminal(
    cli: Cli, web: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "objects"
    assert cli("export", "kubernetes", "--secrets").code == 64
    assert "pw does not exist" in cli("export", "kubernetes", "-o", out, "--secrets").out
    (cli.manifests / "pw").write_text("s3cret\n")
    monkeypatch.setenv("WEB_TOKEN", "t0ken")
    web.write_text(web.read_text().replace("  user: no-such-user\n", ""))
    done = cli("export", "kubernetes", "-o", out, "--secrets")
    assert done.code == 0, done.err
    secret = out / "web.secret.yaml"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    data = yaml.safe_load(secret.read_text())["data"]
    assert data == {"PW": "czNjcmV0", "TOKEN": "dDBrZW4="}
    for text in (done.out, done.err, (out / "web.yaml").read_text()):
        assert not any(word in text for word in ("s3cret", "t0ken", *data.values()))


def test_json_has_the_notes_and_the_files(cli: Cli, web: Path, tmp_path: Path) -> None:
    document = json.loads(cli("export", "kubernetes", "--report", "json").out)
    assert document["formatVersion"] == 1 and [*document["files"]] == ["web.yaml"]
    assert {"app": "web", "field": "user", "fate": "to do"}.items() <= next(
        note.items() for note in document["notes"] if note["field"] == "user"
    )
    written = cli("export", "kubernetes", "--report", "json", "-o", tmp_path / "objects").out
    assert json.loads(written)["written"] == [str(tmp_path / "objects/web.yaml")]


def test_only_its_own_files_are_written_over(cli: Cli, web: Path, tmp_path: Path) -> None:
    assert cli("export", "kubernetes", "-o", tmp_path).code == 0
    assert cli("export", "kubernetes", "-o", tmp_path).code == 0
    (tmp_path / "web.yaml").write_text("kind: List\n")
    done = cli("export", "kubernetes", "-o", tmp_path)
    assert done.code == 1 and "move it away" in done.err
