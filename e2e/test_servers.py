"""Real servers on a shared socket, replaced under load: not one request is lost."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from e2e.harness import Recon
from e2e.sites import SITE
from tests.load import Load

EXAMPLES = Path(__file__).parents[1] / "docs/examples"
PYTHON = sys.executable

SERVERS = {
    "gunicorn": [PYTHON, "-m", "gunicorn", "--workers", "1", "site_of_test:wsgi"],
    "gunicorn, threads": [PYTHON, "-m", "gunicorn", "--threads", "4", "site_of_test:wsgi"],
    "uvicorn": [PYTHON, "uvicorn_server.py", "site_of_test:app"],
    "hypercorn": [PYTHON, "hypercorn_server.py", "site_of_test:app"],
    "LISTEN_FDS": [PYTHON, "listen_fds_server.py"],
}
ROLLS = 3


def declare(recon: Recon, command: list[str], port: int, greeting: str) -> None:
    recon.app(
        "web",
        command,
        instances=2,
        env={"GREETING": greeting},
        strategy={"maxSurge": "100%"},
        sockets=[{"name": "http", "port": port}],
    )


@pytest.mark.parametrize("server", SERVERS)
def test_no_request_is_lost_while_a_server_is_replaced(
    recon: Recon, unused_port: int, server: str
) -> None:
    recon.write("site_of_test.py", SITE)
    for example in EXAMPLES.glob("*.py"):
        shutil.copy(example, recon.manifests / example.name)
    command = SERVERS[server]
    declare(recon, command, unused_port, "v0")
    recon.run()
    recon.healthy("web", ready=2)
    kept = Load(port=unused_port, clients=4, keep_alive=True, pause=0.001)
    single = Load(port=unused_port, clients=4, keep_alive=False, pause=0.001)
    with kept, single:
        kept.until_answered(b"v0 ")
        single.until_answered(b"v0 ")
        for number in range(1, ROLLS + 1):
            declare(recon, command, unused_port, f"v{number}")
            recon.healthy("web", revision=number + 1, updated=2)
        kept.until_answered(b"v%d " % ROLLS)
        single.until_answered(b"v%d " % ROLLS)
    assert kept.failures == single.failures == []
