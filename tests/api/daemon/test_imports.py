"""What a controller holds in memory from its start: nothing of what only others need."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "anyio": "of starlette",
    "apprise": "of the process that notifies",
    "argparse": "of people's command lines",
    "click": "of the command line",
    "difflib": "for a mistake",
    "email": "of importlib.metadata",
    "html": "of starlette",
    "importlib.metadata": "of pydantic's plugins",
    "jinja2": "of the dashboard",
    "multiprocessing": "",
    "prometheus_client": "of `recon metrics`, and of a worker",
    "rich": "of the command line",
    "ssl": "of HTTPS probes, at the first one",
    "starlette": "of the dashboard",
    "textual": "of `recon monit`",
    "typer": "of the command line",
    "unittest": "",
    "urllib.request": "of the command line",
    "uvicorn": "of the dashboard",
    "watchfiles": "where inotify cannot serve",
    "zipfile": "of importlib.metadata",
    "_hashlib": "OpenSSL",
    "reconciler.api.schema": "of a worker",
    "reconciler.cli": "of the command line",
    "reconciler.convert": "of the command line",
    "reconciler.desired.edits.carry_out": "of a worker",
    "reconciler.ui": "of the dashboard and `recon monit`",
}
"""Module, and in which process or at which moment it is needed."""


@pytest.fixture(scope="module")
def imported() -> set[str]:
    code = "import sys, reconciler.api.__main__\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    return {*done.stdout.split()}


@pytest.mark.parametrize("name", HEAVY)
def test_a_controller_at_its_start_has_not_imported(name: str, imported: set[str]) -> None:
    assert "reconciler.loop.controller" in imported
    assert not [one for one in imported if one == name or one.startswith(f"{name}.")]
