"""The tables of limits: complete, and all that the rest of recon needs of a limit of the kernel."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest

from reconciler.checks.enforceable import unenforceable
from reconciler.converge.cgroups import limits as converge
from reconciler.converge.cgroups.cgroup import Cgroups
from reconciler.convert.systemd.table import LOST, ONE_TO_ONE
from reconciler.model.host.facts import CgroupFacts, HostFacts, Rlimit
from reconciler.model.spec.limits import CONTROLLERS, Limits, wanted
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.observed import Process, Tag
from reconciler.observed.host import limits as observed
from reconciler.system import limits
from reconciler.system.limits import OF_CGROUPS, OF_PROCESSES, ResourceLimit
from tests.observed.conftest import Zoo

FIELDS = {field.alias or name for name, field in Limits.model_fields.items()}
STACK = ResourceLimit(
    resource.RLIMIT_STACK, "Max stack size", " bytes", setting="LimitSTACK", flag="-Hs"
)
SIZE = 3 << 20


class MoreLimits(Limits):
    """Those of a release with one more."""

    stack_size: int | None = None


class MoreSpec(AppSpec):
    limits: MoreLimits = MoreLimits()


@pytest.fixture
def more(monkeypatch: pytest.MonkeyPatch) -> Iterator[MoreSpec]:
    monkeypatch.setitem(OF_PROCESSES, "stackSize", STACK)
    monkeypatch.setitem(limits.RESOURCES, "stackSize", STACK)
    yield MoreSpec.model_validate({"command": ["x"], "limits": {"stackSize": SIZE}})


def test_every_limit_of_the_kernel_has_a_row() -> None:
    """`memory` is filled in by watch."""
    assert OF_PROCESSES.keys() | OF_CGROUPS.keys() == FIELDS - {"memory"}
    assert OF_CGROUPS.keys() == CONTROLLERS.keys()


def test_every_limit_is_exported_to_systemd_or_told_as_lost() -> None:
    assert {("limits", field) for field in FIELDS} <= ONE_TO_ONE.keys() | LOST.keys()


def test_a_limit_that_is_only_in_the_table_is_put_in_force_and_read(
    more: MoreSpec, zoo: Zoo
) -> None:
    tag = Tag("s", "web", 0, "v1-a", "abcdef012345")
    process = Process(tag, zoo.start(tag), 0.0)
    values = wanted(more.limits)
    none = CgroupFacts()
    assert converge.apply(tag, lambda: [process.id], values, Cgroups(none, "s")) == {}
    assert observed.read(process, values, none) == {"stackSize": SIZE}
    assert resource.prlimit(process.id.pid, resource.RLIMIT_STACK) == (SIZE, SIZE)


def test_a_limit_that_is_only_in_the_table_goes_back_to_what_recon_has(more: MoreSpec) -> None:
    facts = HostFacts(rlimits={"stackSize": Rlimit(8, -1)})
    assert observed.of_controller(facts, ["stackSize"]) == {"stackSize": "8:unlimited"}


def test_a_limit_that_is_only_in_the_table_is_refused_where_the_host_cannot_have_it(
    more: MoreSpec,
) -> None:
    facts = HostFacts(uid=os.getuid() or 1, rlimits={"stackSize": Rlimit(8, 4096)})
    ((path, why),) = unenforceable(more, facts)
    assert path == "limits.stackSize"
    assert why.message == "is above recon's own hard limit, 4096 bytes"
    assert why.remedy.startswith("raise that (LimitSTACK")
    foreign = more.model_copy(update={"user": "crm"})
    ((_, why),) = unenforceable(foreign, HostFacts(uid=0))
    assert "--cap-add SYS_RESOURCE" in why.remedy
