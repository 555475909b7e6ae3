"""`recon dashboard`: what it refuses, before it serves anything."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from reconciler.ui.dashboard.security.password import read_password
from reconciler.ui.dashboard.server import serve
from tests.cli.conftest import Cli


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[serve.Settings]:
    """With which settings it would have served; it comes back at once."""
    found: list[serve.Settings] = []

    def run(listener: socket.socket, settings: serve.Settings, announce: object) -> None:
        listener.close()
        found.append(settings)

    monkeypatch.setattr(serve, "run", run)
    return found


def test_elsewhere_than_on_loopback_it_needs_a_password(
    cli: Cli, served: list[serve.Settings]
) -> None:
    done = cli("dashboard", "--listen", "0.0.0.0:0")
    assert done.code == 64 and "needs --password-file" in done.err and not served


def test_a_password_file_is_written_closed_and_used(
    cli: Cli, served: list[serve.Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    near, far = os.pipe()
    os.write(far, b"correct horse battery\n")
    os.close(far)
    monkeypatch.setattr("sys.stdin", os.fdopen(near))
    assert cli("dashboard", "--write-password", "page").code == 0
    assert read_password(Path("page")).matches("correct horse battery")
    done = cli("dashboard", "--listen", "0.0.0.0:0", "--password-file", "page")
    assert done.code == 0 and "without encryption" in done.err
    assert served[0].password is not None
    Path("page").chmod(0o644)
    done = cli("dashboard", "--password-file", "page")
    assert done.code == 1 and "other users can read" in done.err and len(served) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--public-url", "recon.example.com"), "write e.g. https://recon.example.com"),
        (("--public-url", "https://x/path"), "write e.g. https://recon.example.com"),
        (("--public-url", "https://[x"), "write e.g. https://recon.example.com"),
        (("--for-user", "no-such-user"), "there is no such user"),
        (("--listen", "7333"), "write HOST:PORT"),
    ],
)
def test_a_typo_is_a_usage_error(
    cli: Cli, served: list[serve.Settings], options: tuple[str, str], sentence: str
) -> None:
    done = cli("dashboard", *options)
    assert done.code == 64 and sentence in done.err and not served


def test_where_its_port_is_taken_any_other_does(cli: Cli, served: list[serve.Settings]) -> None:
    try:
        taken = socket.create_server(("127.0.0.1", 7333))
    except OSError:
        taken = None  # by another program: as well
    assert cli("dashboard").code == 0 and served
    if taken is not None:
        taken.close()
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = cli("dashboard", "--listen", f"127.0.0.1:{other.getsockname()[1]}")
    assert done.code == 1 and "in use" in done.err
