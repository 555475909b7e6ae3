"""Addresses from files, commands, mail and Apprise's services: each with a real receiver."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest

from reconciler.notify.deliver import deliver
from reconciler.notify.target import Target
from tests.notify.conftest import Mails, Web, message


def test_a_mail_has_subject_text_and_id(mails: Mails) -> None:
    url = f"mailto://127.0.0.1:{mails.port}?from=recon@host1.test&to=ops@host1.test"
    assert deliver(Target("ops", url=url), message()).ok
    ((receivers, mail),) = mails.received
    assert receivers == ["ops@host1.test"]
    assert mail["Subject"] == message()["subject"]
    assert mail["Idempotency-Key"] == message()["id"]
    body = mail.get_body(("plain", "html"))
    assert body is not None and "web keeps crashing on host1" in body.get_content()


def test_a_hostile_text_is_no_header_and_no_markup_of_a_mail(mails: Mails) -> None:
    url = f"mailto://127.0.0.1:{mails.port}?from=recon@host1.test&to=ops@host1.test"
    hostile = message(text="a <script>alert(1)</script> & <b>b</b>")
    assert deliver(Target("ops", url=url), hostile).ok
    ((_, mail),) = mails.received
    html = mail.get_body(("html",))
    assert html is None or "<script>" not in html.get_content()


def test_a_service_of_apprise_gets_it_with_the_id(web: Web) -> None:
    target = Target("ops", url=f"json://127.0.0.1:{web.port}/hook")
    assert deliver(target, message()).ok
    assert web.requests[0]["title"] == message()["subject"]
    assert web.requests[0]["message"] == message()["text"]
    assert web.headers[0]["idempotency-key"] == message()["id"]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("nosuchservice://s3cr3t-token/x", "Apprise cannot read its URL"),
        ("slack://s3cr3t-token", "Apprise cannot read its URL"),
        ("slack://***", "its address is unknown"),
    ],
)
def test_a_url_that_apprise_cannot_read_is_an_error_without_its_secrets(
    url: str, error: str
) -> None:
    outcome = deliver(Target("ops", url=url), message())
    assert outcome.error.startswith(error)
    assert "s3cr3t" not in outcome.error


def test_what_a_service_answers_is_shown_without_secrets(web: Web) -> None:
    web.answers = ["403"]
    target = Target("ops", url=f"json://user:s3cr3t-token@127.0.0.1:{web.port}/path")
    outcome = deliver(target, message())
    assert outcome.error and "s3cr3t" not in outcome.error


def test_where_apprise_is_missing_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    outcome = deliver(Target("ops", url="json://127.0.0.1/x"), message())
    assert outcome.error == "Apprise is not installed; pip install 'recon-reconciler[notify]'"


def test_an_address_is_the_first_line_of_its_file_and_read_at_each_try(
    tmp_path: Path, web: Web
) -> None:
    file = tmp_path / "hook"
    target = Target("ops", webhook_file=str(file))
    assert deliver(target, message()).error == f"{file} cannot be read: No such file or directory"
    file.write_text("\n")
    assert "is empty" in deliver(target, message()).error
    file.write_text(f"{web.address}\r\n# written by hand\n")
    assert deliver(target, message()).ok and len(web.requests) == 1
    file.write_text(f"\ufeff{web.address}")  # as some editors begin a file
    assert deliver(target, message()).ok and len(web.requests) == 2
    file.write_bytes(b"\xff\xfe")
    assert "it is no text" in deliver(target, message()).error


def test_a_file_is_no_way_to_another_kind_of_address(tmp_path: Path) -> None:
    file = tmp_path / "hook"
    for address in ("file:///etc/passwd", "ftp://host/x", "gopher://x", "nonsense"):
        file.write_text(address)
        outcome = deliver(Target("ops", webhook_file=str(file)), message())
        assert outcome.error == "its address must begin with https:// or http://"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root refuses files of others")
def test_as_root_a_file_that_others_could_have_written_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("json://127.0.0.1/x")
    file.chmod(0o666)
    assert "cannot be read" in deliver(Target("ops", url_file=str(file)), message()).error


def test_a_fifo_in_the_place_of_a_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "url")
    assert deliver(Target("ops", url_file=str(tmp_path / "url")), message()).error


def test_a_command_gets_the_message_on_stdin_and_in_its_environment(tmp_path: Path) -> None:
    script = "cat > in; env > env; pwd > pwd"
    target = Target("ops", command=("sh", "-c", script), folder=str(tmp_path))
    assert deliver(target, message()).ok
    assert json.loads((tmp_path / "in").read_text()) == message() | {
        "createdAt": json.loads((tmp_path / "in").read_text())["createdAt"]
    }
    variables = (tmp_path / "env").read_text()
    assert f"RECON_NOTIFY_SUBJECT={message()['subject']}\n" in variables
    assert f"RECON_NOTIFY_ID={message()['id']}\n" in variables
    assert (tmp_path / "pwd").read_text().strip() == str(tmp_path)


def test_a_command_does_not_get_the_environment_of_recon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "s3cr3t")
    target = Target("ops", command=("sh", "-c", "env > env"), folder=str(tmp_path))
    assert deliver(target, message()).ok
    assert "s3cr3t" not in (tmp_path / "env").read_text()


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (("sh", "-c", "echo first >&2; echo 'no route' >&2; exit 4"), "exit 4: no route"),
        (("sh", "-c", "kill -9 $$"), "ended with signal 9"),
        (("/no/such/program",), "/no/such/program cannot be run: No such file or directory"),
        (("sh", "-c", "exec <&-; exit 1"), "ended with exit 1"),
    ],
)
def test_a_command_that_fails_is_an_error_with_its_last_line(
    command: tuple[str, ...], error: str
) -> None:
    assert error in deliver(Target("ops", command=command), message()).error


def test_a_command_that_writes_without_end_fills_no_memory() -> None:
    script = "i=0; while [ $i -lt 2000 ]; do head -c 65536 /dev/zero >&2; i=$((i+1)); done; exit 3"
    outcome = deliver(Target("ops", command=("sh", "-c", script)), message())
    assert "exit 3" in outcome.error and len(outcome.error) < 1000


def test_a_command_that_reads_nothing_succeeds() -> None:
    big = message(text="x" * 3000, items=[{"stderr": ["y" * 160] * 10}] * 100)
    assert deliver(Target("ops", command=("true",)), big).ok


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs commands as another user")
def test_a_command_runs_as_its_user() -> None:
    with tempfile.TemporaryDirectory(prefix="recon-test-", dir="/tmp") as folder:
        os.chmod(folder, 0o777)
        script = "id -un > id; id -G >> id; echo $HOME >> id"
        target = Target("ops", command=("sh", "-c", script), user="nobody", folder=folder)
        assert deliver(target, message()).ok
        name, groups, home = (Path(folder) / "id").read_text().splitlines()
    assert name == "nobody" and "0" not in groups.split() and home != os.environ.get("HOME")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root refuses files of others")
def test_as_root_a_program_that_others_could_have_written_is_not_run(tmp_path: Path) -> None:
    program = tmp_path / "page"
    program.write_text("#!/bin/sh\ntouch ran\n")
    program.chmod(0o755)
    target = Target("ops", command=("./page",), folder=str(tmp_path))
    assert deliver(target, message()).ok and (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    program.chmod(0o777)
    assert "page" in deliver(target, message()).error and not (tmp_path / "ran").exists()


def test_an_unknown_user_is_a_sentence() -> None:
    outcome = deliver(Target("ops", command=("true",), user="no-such-user-here"), message())
    assert outcome.error == "user no-such-user-here: there is no such user on this host"
