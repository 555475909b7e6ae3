"""What keeps `recon status` fast: one verb's code, and none of the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.api.test_client import Server
from tests.cli.conftest import ROOT, Cli
from tests.cli.documents import app, status

HEAVY = {"typer", "click", "pydantic", "yaml", "psutil", "rich", "http", "email", "asyncio"}
HEAVY |= {"sqlite3", "watchfiles", "hashlib"}
NOT_FOR_STATUS = {"socket", "textwrap", "dataclasses", "inspect", "threading", "weakref", "ctypes"}


@pytest.mark.parametrize(
    "words",
    [
        ["status", "-o", "wide", "--state-dir", "{state}", "-m", "manifests"],
        ["status", "web", "-o", "json"],
        ["logs", "--lines", "3"],
        ["rollout", "status", "web"],
        ["events"],
    ],
)
def test_fast_verbs_import_nothing_heavy_with_a_controller(cli: Cli, words: list[str]) -> None:
    heavy = HEAVY | NOT_FOR_STATUS if words[0] == "status" else HEAVY
    cli.state.mkdir()
    server = Server(cli.state / "recon.sock")
    try:
        if words[0] == "events":
            server.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        else:
            server.json(status(app("web")))
        given = [word.format(state=cli.state) for word in words]
        code = (
            "import sys\n"
            "from reconciler.cli.main import run\n"
            f"assert run({given!r}) == 0\n"
            f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)\n"
        )
        done = subprocess.run(
            [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}\n{code}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    finally:
        server.close()
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_typer_finds_no_way_to_pydantic() -> None:
    """Fails where a release of typer has another way to import it."""
    code = (
        "import sys\n"
        "from reconciler.cli.main import run\n"
        "assert run(['--version']) == 0\n"
        "assert 'typer' in sys.modules\n"
        "assert 'pydantic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=True)
