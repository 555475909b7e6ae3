"""A program is born with its instance's nonce, whichever way it is started, and passes it on."""

from __future__ import annotations

import resource
from collections.abc import Callable

import pytest

from reconciler.converge.process import descriptors, lineage
from reconciler.converge.process import spawn as module
from reconciler.model.host.lineage import limit_of, may_lead
from reconciler.observed.processes.lineage import is_child, is_main, nonce
from tests.converge.conftest import MakeApp, SpawnApp, new_tag

_OWN = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
_RT = resource.RLIMIT_RTTIME


def here(first: Callable[[], object], then: Callable[[], object]) -> object:
    """``descriptors.run`` where no thread was prepared."""
    first()
    return then()


@pytest.mark.parametrize("quick", [True, False])
def test_a_program_is_born_with_its_nonce_and_recon_keeps_none(
    make_app: MakeApp, spawn_app: SpawnApp, monkeypatch: pytest.MonkeyPatch, quick: bool
) -> None:
    monkeypatch.setattr(descriptors, "run", here)
    monkeypatch.setattr(module, "_is_plain", lambda program: quick)
    tag = new_tag()
    spawned = spawn_app(make_app(["sleep", "600"]), tag=tag)
    assert (spawned.report.fileno() < 0) is quick, "it went that way"
    pid = spawned.process.id.pid
    assert nonce(pid) == tag.nonce and is_main(pid, tag.nonce) and not is_child(pid, tag.nonce)
    limit, _ = resource.prlimit(pid, _RT)
    assert not may_lead(limit, pid + 1), "what it forks is known as its child"
    assert resource.getrlimit(_RT) == _OWN
    other = spawn_app(make_app(["sleep", "600"]), tag=new_tag())
    assert nonce(other.process.id.pid) == other.process.tag.nonce


@pytest.mark.parametrize("theirs", [5_000_000, 0])
def test_a_limit_that_recon_was_started_with_is_its_programs_too(theirs: int) -> None:
    resource.setrlimit(_RT, (theirs, resource.RLIM_INFINITY))
    try:
        assert lineage.limit("0123456789ab") is None
        with lineage.given("0123456789ab"):
            assert resource.getrlimit(_RT)[0] == theirs
    finally:
        resource.setrlimit(_RT, _OWN)


def test_a_recon_that_a_program_of_recon_started_gives_its_own() -> None:
    outer, inner = limit_of("0" * 12), limit_of("f" * 12)
    assert outer is not None
    resource.setrlimit(_RT, (outer, resource.RLIM_INFINITY))
    try:
        with lineage.given("f" * 12):
            assert resource.getrlimit(_RT)[0] == inner
        with lineage.given(""):
            assert resource.getrlimit(_RT)[0] == outer
        assert resource.getrlimit(_RT)[0] == outer
    finally:
        resource.setrlimit(_RT, _OWN)
