"""Manifests that are gone: what they declared keeps running, and what of it ends comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from reconciler.model.state.observed import Exit
from reconciler.model.state.plan import Sync
from tests.simulate.machine import Machine, machine


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Machine]:
    """Two apps run, on real files."""
    with machine(tmp_path / "machine", 0) as made:
        for name in ("web", "db"):
            made.folder.write(f"{name}.yaml", manifest(name))
        made.run_to(30)
        yield made


def manifest(name: str, **spec: object) -> str:
    spec = {"command": ["sh", name], "terminationGracePeriodSeconds": 2, **spec}
    meta = {"apiVersion": "recon/v1", "kind": "App", "metadata": {"name": name}}
    return yaml.safe_dump({**meta, "spec": spec})


def crash(made: Machine, name: str) -> None:
    (one,) = made.host.of(name)
    made.host.end(one.tag.nonce, Exit(1))


def hashes(made: Machine, *names: str) -> list[str]:
    return [one.tag.hash for name in names for one in made.host.of(name)]


@pytest.mark.parametrize("how", ["take_away", "unmount"])
@pytest.mark.parametrize("is_restarted", [False, True], ids=["", "a new controller"])
def test_what_ends_while_its_manifest_is_gone_is_started_again(
    made: Machine, how: str, is_restarted: bool
) -> None:
    before = hashes(made, "web", "db")
    made.at(31, getattr(made.folder, how))
    if is_restarted:
        made.at(60, lambda: made.kill(1))
    made.at(90, lambda: crash(made, "web"))
    made.run_to(120)
    assert hashes(made, "web", "db") == before
    (status,) = [one.status for one in made.controller.plan().apps if one.app == "web"]
    assert status.sync is Sync.UNKNOWN and status.message
    made.at(121, {"take_away": made.folder.bring_back, "unmount": made.folder.mount}[how])
    made.run_to(150)
    assert hashes(made, "web", "db") == before
    assert len([*made.history.of("start")]) == 3 and not [*made.history.of("signal")]


def test_after_a_boot_they_run_although_their_manifests_are_not_mounted_yet(made: Machine) -> None:
    before = hashes(made, "web", "db")
    made.at(31, made.folder.unmount)
    made.at(40, lambda: made.boot(1))
    made.run_to(90)
    assert hashes(made, "web", "db") == before
    made.at(91, made.folder.mount)
    made.run_to(120)
    assert hashes(made, "web", "db") == before and not [*made.history.of("signal")]


def test_what_is_removed_is_stopped_and_comes_no_more(made: Machine) -> None:
    made.at(31, lambda: made.folder.remove("web.yaml"))
    made.run_to(60)
    assert not made.host.of("web") and made.host.of("db")
    made.run_to(200)
    assert not made.host.of("web")
    made.at(201, lambda: made.folder.write("web.yaml", manifest("web")))
    made.run_to(230)
    assert len(made.host.of("web")) == 1
