"""A played server for each test that asks for one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.desired.directory.store import ManifestStore
from reconciler.model.state.desired import Desired
from reconciler.targets.nomad.address import settings
from reconciler.targets.nomad.client import Client
from reconciler.targets.nomad.engine import Nomad
from tests.targets.nomad.played import RECORDED, Played, served


@pytest.fixture
def played() -> Played:
    return Played()


@pytest.fixture
def address(played: Played) -> Iterator[str]:
    with served(played) as found:
        yield found


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    made = Client(settings(address, {}))
    yield made
    made.close()


@pytest.fixture
def declared(tmp_path: Path) -> Callable[..., Desired]:
    """Desired state, of the apps that were declared when the answers were recorded."""

    def made(*, web: str = _WEB, **others: str) -> Desired:
        folder = tmp_path / "manifests"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        texts = {"web": web, "report": _REPORT, "nightly": _NIGHTLY, "big": _BIG, **others}
        for name, text in texts.items():
            if text:
                (folder / f"{name}.yaml").write_text(text)
        store = ManifestStore(folder, environ_is_controllers=True, anchor=folder, cores=2)
        return store.draft().scan()

    return made


@pytest.fixture
def nomad(played: Played, address: str, monkeypatch: pytest.MonkeyPatch) -> Nomad:
    """An engine whose server says that it is of a newer release than the recorded one."""
    for name in [name for name in os.environ if name.startswith("NOMAD_")]:
        monkeypatch.delenv(name)
    played.answers["GET /v1/agent/self"] = {"member": {"Tags": {"build": "1.9.3"}}}
    return Nomad(address, "UTC")


@pytest.fixture
def replay(played: Played) -> Callable[[str], None]:
    """Has the server answer as in one recorded look."""

    def of(name: str) -> None:
        found = json.loads((RECORDED / f"{name}.json").read_text())
        for place, document in found.items():
            if place != "GET /v1/agent/self":
                played.answers[place] = document

    return of


_WEB = """
apiVersion: recon/v1
kind: App
metadata: {name: web, labels: {tier: api}}
spec: {command: [sleep, "1000"], cwd: /tmp, instances: 3}
"""
_REPORT = """
apiVersion: recon/v1
kind: Job
metadata: {name: report}
spec: {command: [sh, -c, "echo done"], cwd: /tmp}
"""
_NIGHTLY = """
apiVersion: recon/v1
kind: Job
metadata: {name: nightly}
spec: {command: [sh, -c, "echo tick"], cwd: /tmp, schedule: "0 3 * * *"}
"""
_BIG = """
apiVersion: recon/v1
kind: App
metadata: {name: big}
spec: {command: [sleep, "1000"], cwd: /tmp, limits: {memory: 900Gi}}
"""
