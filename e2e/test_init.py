"""`recon init -- COMMAND`, in the folder of a program: what it writes comes up as it stands."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from e2e.harness import Recon
from e2e.node import PLAIN, needs_node, needs_npm
from e2e.sites import SITE
from tests.waiting import until


def init(recon: Recon, folder: Path, *command: str) -> str:
    """What `recon init -- COMMAND` prints, called in that folder."""
    done = subprocess.run(
        [recon.program, "init", "--", *command],
        cwd=folder,
        env=recon.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answer(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as response:
        return str(response.read().decode())


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A scratch project, with the Python of these tests as its virtual environment."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "site_of_test.py").write_text(SITE)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@needs_node
@pytest.mark.parametrize(
    "command", [["node", "server.js"], pytest.param(["npm", "start"], marks=needs_npm)]
)
def test_a_node_server_comes_up_with_its_port_and_its_variables(
    recon: Recon, shop: Path, unused_port: int, command: list[str]
) -> None:
    (shop / "server.js").write_text(PLAIN)
    (shop / "package.json").write_text(
        json.dumps({"name": "shop", "scripts": {"start": "node server.js"}})
    )
    (shop / ".env").write_text(f"PORT={unused_port}\nGREETING=welcome\n")
    (shop / ".env").chmod(0o600)
    init(recon, shop, *command)
    assert recon.cli("validate") == "1 app, no problems\n"
    recon.cli("apply")
    assert answer(unused_port).startswith("welcome ")


@pytest.mark.parametrize(
    "command",
    [
        ["uvicorn", "--port", "{port}", "site_of_test:app"],
        ["gunicorn", "--bind", "127.0.0.1:{port}", "site_of_test:wsgi"],
        ["python", "-m", "http.server", "{port}", "--bind", "127.0.0.1"],
    ],
    ids=lambda words: words[0],
)
def test_a_python_server_comes_up_and_is_replaced(
    recon: Recon, shop: Path, unused_port: int, command: list[str]
) -> None:
    init(recon, shop, *(word.format(port=unused_port) for word in command))
    assert recon.cli("validate") == "1 app, no problems\n"
    recon.cli("apply")
    assert answer(unused_port)
    before = recon.pids("shop")
    recon.cli("restart", "shop")
    until(lambda: recon.pids("shop") not in ([], before), what="it is replaced")
    recon.healthy("shop", ready=1)
    assert answer(unused_port)


def test_a_line_of_a_crontab_runs_as_a_job(recon: Recon, shop: Path) -> None:
    (shop / "report.py").write_text("print('reported')\n")
    init(recon, shop, "0 3 1 1 * python3 report.py")
    recon.cli("apply")
    recon.cli("run-job", "report")
    assert "reported" in recon.cli("logs", "report")
