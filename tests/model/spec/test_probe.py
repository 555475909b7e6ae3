"""A kind of probe is told by its own object: one that is added here is known everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pydantic import ValidationError

from reconciler.diff.diagnosis import CauseCode, UnreadyInstance, probed_port, why_not_ready
from reconciler.diff.lint.advice import advice_on, ports_of
from reconciler.model.spec import probe as probes
from reconciler.model.spec.base import Manifest
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.probe import KINDS, Probe, ProbeKind, Target
from reconciler.model.words.sentence import Sentence

RHYTHM = {"initial_delay_seconds", "period_seconds", "timeout_seconds"}
RHYTHM |= {"success_threshold", "failure_threshold"}


class Redis(Manifest, ProbeKind):
    """Over the network, and by a command."""

    port: int
    host: str = "127.0.0.1"

    @property
    def target(self) -> Target:
        return self

    @property
    def runs(self) -> tuple[str, ...]:
        return ("redis-cli", "ping", "|", "cat")

    def question(self, instance: int) -> str:
        return f"PING of instance {instance}"

    def remedy(self, role: str) -> str:
        return f"look at `{role}.redis`"


@dataclass(frozen=True)
class Word(ProbeKind):
    """Waited for, and never asked."""

    text: str
    is_active = False
    liveness_fault = Sentence("it is said once")

    def question(self, instance: int) -> str:
        return f"waiting for {self.text}"

    def remedy(self, role: str) -> str:
        return f"say {self.text}, as `{role}` has it"


class MoreProbe(Probe):
    """A probe of a release with two more kinds."""

    redis: Redis | None = None
    word: str | None = None


class MoreSpec(AppSpec):
    readiness_probe: MoreProbe | None = None
    liveness_probe: MoreProbe | None = None


@pytest.fixture(autouse=True)
def more(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {**KINDS, "redis": lambda value: value, "word": Word}
    monkeypatch.setattr(probes, "KINDS", made)


def spec_of(**fields: object) -> MoreSpec:
    return MoreSpec.model_validate({"command": ["x"], **fields})


def test_every_field_of_a_probe_is_a_kind_or_its_rhythm() -> None:
    assert KINDS.keys() | RHYTHM == Probe.model_fields.keys()


def test_a_new_kind_with_a_port_is_known_by_port_command_question_and_remedy() -> None:
    spec = spec_of(readinessProbe={"redis": {"port": 6379}})
    assert probed_port(spec, 0) == 6379
    assert ports_of(spec) == ({6379}, set())
    assert [*spec.probe_commands()] == [
        (("readinessProbe", "redis", "command"), ("redis-cli", "ping", "|", "cat"))
    ]
    assert "readinessProbe.redis.command" in {one.path for one in advice_on(spec)}
    found = why_not_ready(UnreadyInstance(spec, 3, "no answer", 7.0, listens=frozenset({6379})))
    assert found.message == "PING of instance 3: no answer since 7 s"
    assert found.remedy == "it listens on 6379: look at `readinessProbe.redis`"


def test_a_new_kind_with_a_port_asks_the_private_socket_of_a_shared_one() -> None:
    sockets = [{"name": "main", "port": 6379}]
    spec = spec_of(sockets=sockets, readinessProbe={"redis": {"port": 6379}})
    assert [one.name for one in spec.probed_sockets()] == ["main"]


def test_a_new_kind_that_is_waited_for_says_what_it_waits_for() -> None:
    spec = spec_of(readinessProbe={"word": "up"})
    assert spec.readiness_probe is not None and not spec.readiness_probe.kind.is_active
    found = why_not_ready(UnreadyInstance(spec, 0, "", 7.0))
    assert found.code is CauseCode.PROBE_FAILED
    assert found.message == "waiting for up: no answer yet since 7 s"
    assert found.remedy == "say up, as `readinessProbe` has it"


def test_the_faults_of_a_new_kind_are_faults_of_the_manifest() -> None:
    with pytest.raises(ValidationError, match="livenessProbe: it is said once"):
        spec_of(livenessProbe={"word": "up"})
    with pytest.raises(ValidationError, match=r"exactly one of httpGet, .* notify, redis, word"):
        spec_of(readinessProbe={"word": "up", "redis": {"port": 1}})
