"""`recon notify` where no controller runs: from the manifests and the journal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.state.notice import Kind, Notice
from reconciler.state.journal.journal import Journal
from reconciler.state.notices import SETTING, Remembered, TargetRecord
from reconciler.system.clock import boot_id
from tests.cli.conftest import Cli
from tests.notify.conftest import Web, closed_port, web

__all__ = ["closed_port", "web"]


def declare(cli: Cli, *targets: dict[str, Any]) -> Path:
    document = {"apiVersion": "recon/v1", "kind": "Settings", "spec": {"notify": [*targets]}}
    path = cli.manifests / "recon.yaml"
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return path


def test_without_targets_it_says_how_to_declare_one(cli: Cli) -> None:
    done = cli("notify")
    assert done.code == 0 and "recon explain Settings.spec.notify" in done.out
    assert cli("explain", "Settings.spec.notify").code == 0
    assert cli("notify", "test").code == 1


def test_what_waits_and_what_failed_is_shown_without_secrets(cli: Cli) -> None:
    declare(cli, {"name": "ops", "webhook": "https://host1.test/s3cr3t"})
    cli.state.mkdir(mode=0o700)
    journal = Journal(cli.state / "recon.db", boot_id())
    record = TargetRecord(sent=4, is_failing=True, last_error="the server answered 500", dropped=2)
    journal.set_setting(SETTING, Remembered(records={"ops": record}).to_text())
    journal.post(Notice("a", "ops", 1.0, Kind.EVENT, "s", "t"))
    journal.close()
    done = cli("notify")
    assert done.code == 0 and "the server answered 500" in done.out
    assert "s3cr3t" not in done.out and max(map(len, done.out.splitlines())) <= 80
    document = json.loads(cli("notify", "-o", "json").out)
    (target,) = document["targets"]
    assert (target["waiting"], target["sent"], target["dropped"]) == (1, 4, 2)
    assert target["address"] == "https://host1.test/***"


def test_a_test_is_sent_from_here_and_fails_where_one_does(
    cli: Cli, web: Web, closed_port: int
) -> None:
    dead = {"name": "dead", "webhook": f"http://127.0.0.1:{closed_port}/"}
    declare(cli, {"name": "ops", "webhook": web.address}, dead)
    done = cli("notify", "test", "ops")
    assert done.code == 0 and "sent" in done.out and web.requests[0]["kind"] == "test"
    done = cli("notify", "test", "-o", "json")
    assert done.code == 1
    results = {one["target"]: one["error"] for one in json.loads(done.out)["results"]}
    assert results["ops"] is None and "refused" in results["dead"]


@pytest.mark.parametrize(
    ("words", "code"), [(["tset"], 64), (["test", "opz"], 1), (["-o", "x"], 64)]
)
def test_a_word_that_is_wrong_is_answered(cli: Cli, words: list[str], code: int) -> None:
    declare(cli, {"name": "ops", "webhook": "https://host1.test/x"})
    done = cli("notify", *words)
    assert done.code == code and done.err


def test_validate_names_what_nothing_can_be_sent_to(cli: Cli, tmp_path: Path) -> None:
    path = declare(
        cli,
        {"url": "nosuchservice://s3cr3t-token"},
        {"urlFile": "missing"},
        {"command": "no-such-program-here x"},
    )
    done = cli("validate")
    assert done.code == 1
    assert "spec.notify.0.url: Apprise knows no service nosuchservice://" in done.out
    assert "spec.notify.1.urlFile" in done.out and "missing cannot be read" in done.out
    assert "spec.notify.2.command: there is no program no-such-program-here" in done.out
    assert f"{path.name}:1:" in done.out and "s3cr3t" not in done.out + done.err
    assert cli("validate", "--no-host").out.count("spec.notify") == 1


def test_validate_advises_on_an_address_that_others_can_read(cli: Cli) -> None:
    path = declare(cli, {"webhook": "https://host1.test/s3cr3t"})
    for folder in (path.parent, *path.parent.parents):
        if folder.stat().st_mode & 0o001 == 0:
            pytest.skip(f"others cannot enter {folder}")
    path.chmod(0o644)
    done = cli("validate")
    assert done.code == 0 and "write it into a file" in done.out


def test_where_apprise_is_missing_validate_says_how_to_install_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    declare(cli, {"url": "json://127.0.0.1/x"})
    done = cli("validate")
    assert done.code == 1 and "pip install 'recon-reconciler[notify]'" in done.out
    assert cli("validate", "--no-host").code == 0


def test_doctor_tells_of_targets(cli: Cli) -> None:
    declare(cli, {"name": "ops", "urlFile": "missing"})
    done = cli("doctor")
    assert "ops: " in done.out and "cannot be read" in done.out
