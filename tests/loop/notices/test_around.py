"""What notifications say of an app beside its events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.diff.notices.problems import ProblemKind
from reconciler.loop.notices.around import Remembering, Surroundings
from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import DesiredApp, DesiredJob, Source, Workload
from reconciler.model.state.event import EndDetails, Event
from reconciler.model.state.memory import AppMemory, JournalHealth, JournalState
from reconciler.model.state.observed import Process, ProcessId, RunState, Tag
from reconciler.model.state.revision import Revision

PROCESS = Process(Tag("s", "web", 0, "h.-", "n"), ProcessId(7, 7), 0.0)


class FakeHistory:
    journal = JournalState()

    def memory(self, name: str) -> AppMemory:
        return AppMemory(revisions=(Revision(4, "h", {}),)) if name == "web" else AppMemory()


class Host:
    def __init__(self) -> None:
        self.apps: dict[str, Workload] = {}
        self.running: list[Process] = []
        self.problems = 0
        history: Any = FakeHistory()
        self.history = history
        self.around = Surroundings(
            history,
            declared=lambda: self.apps,
            processes=lambda name: [one for one in self.running if one.tag.app == name],
            problems=lambda: self.problems,
        )

    def app(self, **spec: Any) -> None:
        made = AppSpec.model_validate({"command": "x", **spec})
        self.apps["web"] = DesiredApp("web", made, "h", Source("/m/web.yaml", 1), {"tier": "api"})


def test_an_app_persists_in_its_problem_until_all_instances_are_ready() -> None:
    host = Host()
    host.app(instances=2)
    assert ProblemKind.CRASHING in host.around.persists("web")
    host.running = [PROCESS, replace(PROCESS, ready=False)]
    assert host.around.persists("web")
    host.running = [PROCESS, replace(PROCESS, starting=True)]
    assert host.around.persists("web")
    host.running = [PROCESS, replace(PROCESS, state=RunState.STOPPING)]
    assert host.around.persists("web")
    host.running = [PROCESS, PROCESS]
    assert not host.around.persists("web")


def test_recon_itself_has_the_problems_of_manifests_and_journal() -> None:
    host = Host()
    assert host.around.persists("") == frozenset()
    host.problems = 2
    assert host.around.persists("") == {ProblemKind.MANIFEST}
    host.history.journal = JournalState(JournalHealth.UNWRITABLE)
    assert host.around.persists("") == {ProblemKind.MANIFEST, ProblemKind.STATE}


def test_what_is_declared_decides_what_a_crash_means() -> None:
    host = Host()
    assert host.around.standing("").stopped == ""
    assert host.around.standing("web").stopped == "web was removed"
    host.running = [PROCESS]
    assert host.around.standing("web").stopped == ""
    host.app(restartPolicy="Never")
    standing = host.around.standing("web")
    assert standing.stays_down and standing.labels == {"tier": "api"} and standing.revision == 4
    host.app(suspend=True)
    assert host.around.standing("web").stopped == "web is suspended"
    spec = JobSpec.model_validate({"command": "x"})
    host.apps["job"] = DesiredJob("job", spec, "h", Source("/m/job.yaml", 1))
    assert host.around.standing("job").is_job and not host.around.persists("job")


def test_the_last_failure_of_an_app_is_known_and_explained() -> None:
    host = Host()
    host.app()
    end = EndDetails(code=1, uptime=0.2, stderr=("OSError: [Errno 28] No space left on device",))
    for event in (
        Event("web", "Exited", "x", "Warning", 0, end),
        Event("web", "Exited", "x", end=EndDetails(code=0)),
        Event("", "ControllerStarted", "x"),
    ):
        host.around.note(event)
    assert host.around.last_end("web") == end and host.around.last_end("api") is None
    cause = host.around.cause("web", end)
    assert cause is not None and cause.remedy
    killed = host.around.cause("web", EndDetails(signal="SIGSEGV", uptime=1.0))
    assert killed is not None and "SIGSEGV" in killed.message
    assert host.around.cause("gone", end) is None


def test_the_memory_of_ends_is_bounded() -> None:
    host = Host()
    for number in range(2100):
        host.around.note(Event(f"a{number}", "Exited", "x", end=EndDetails(code=1)))
    assert host.around.last_end("a99") is None and host.around.last_end("a2099") is not None


def test_within_a_moment_each_app_is_looked_at_once() -> None:
    host = Host()
    host.app()
    moment = Remembering(host.around)
    before = moment.persists("web")
    host.running = [PROCESS]
    assert moment.persists("web") == before != host.around.persists("web")
