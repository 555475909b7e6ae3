"""What a host cannot honour is refused, with what would help; what it can is not."""

from __future__ import annotations

from typing import Any

from reconciler.diff.enforceable import unenforceable
from reconciler.model.host import HostFacts
from reconciler.model.manifest import AppSpec

ROOT, USER = HostFacts(uid=0), HostFacts(uid=1000)


def refusals(facts: HostFacts, **spec: Any) -> dict[str, str]:
    made = AppSpec.model_validate({"command": ["a"], **spec})
    return dict(unenforceable(made, facts))


def test_who_is_not_root_can_only_be_himself() -> None:
    found = refusals(USER, user="crm", group="crm")
    assert found.keys() == {"user", "group"}
    assert "start recon as root, or remove `user`" in found["user"]
    assert refusals(ROOT, user="crm", group="crm") == {}


def test_only_root_gives_files_to_others() -> None:
    sockets = [
        {"name": "a", "port": 80},
        {"name": "b", "path": "/run/b", "owner": "crm", "group": "web"},
    ]
    assert refusals(USER, sockets=sockets).keys() == {"sockets.1.owner", "sockets.1.group"}
    assert refusals(ROOT, sockets=sockets) == {}


def test_a_spec_that_asks_for_nothing_runs_anywhere() -> None:
    assert refusals(HostFacts(uid=1000)) == {}


def test_what_takes_privileges_away_needs_some() -> None:
    spec = {
        "supplementaryGroups": ["web"],
        "capabilities": {"drop": ["ALL"]},
        "readOnlyPaths": ["/etc"],
        "privateTmp": True,
    }
    able = HostFacts(uid=0, capabilities=frozenset({"SETGID", "SETPCAP", "SYS_ADMIN"}))
    assert refusals(able, **spec, noNewPrivileges=True) == {}
    assert refusals(USER, **spec, noNewPrivileges=True).keys() == spec.keys()
    assert "noNewPrivileges: true" in refusals(USER, **spec)["capabilities"]
    confined = HostFacts(uid=0, capabilities=frozenset({"SETGID", "SETPCAP"}))
    assert refusals(confined, **spec).keys() == {"readOnlyPaths", "privateTmp"}
    assert refusals(USER, capabilities={"drop": []}, privateTmp=False) == {}
