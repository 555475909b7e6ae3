"""One run of a scenario, with these faults or with none."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.api.documents.event import event_document
from reconciler.api.documents.status import status_document
from reconciler.model.state.plan import AppPlan
from tests.simulate.disturb import Disturbance
from tests.simulate.faults import Fault
from tests.simulate.history import History
from tests.simulate.host import LINE
from tests.simulate.machine import Machine, machine
from tests.simulate.programs import PROGRAMS
from tests.simulate.wishes import SECRET, Op, Scenario

MOST = 30.0
"""Seconds of processor time of one run, which takes half a second."""
CALM = 300.0
"""Seconds after the last edit and fault, in which all comes to rest: longer than any backoff."""


@dataclass
class Outcome:
    """What a run came to."""

    scenario: Scenario
    faults: Sequence[Fault]
    history: History
    counts: Counter[str]
    """The effects by kind."""
    running: dict[str, dict[int, list[str]]]
    """At the end, by app and instance number: the versions of its processes."""
    standing: dict[str, str]
    """At the end, by app: what ``status`` says in a word."""
    written: dict[str, int]
    """By nonce, the lines that its process wrote."""
    unheard: dict[str, int]
    """By nonce, the bytes that nobody could read any more."""
    logged: dict[str, Counter[int]]
    """By nonce, how often each of its lines is in the logs."""
    dropped: bool
    """The logs say that output was lost."""
    events: frozenset[str]
    """The reasons of all events that the journal kept."""
    leaks: list[str]
    """Files and documents that hold the secret."""
    reported: list[str]
    """What callbacks and the controller's log reported, and should not have."""
    slowest: float
    """Processor seconds of the longest turn of the loop."""


class Blocked(SystemExit):
    """The loop goes round and round in one turn. asyncio lets it out of its callbacks."""


def _blocked(number: int, frame: object) -> None:
    raise Blocked(f"a run took {MOST:g} s of processor time: the loop is blocked")


def run(scenario: Scenario, faults: Sequence[Fault], folder: Path) -> Outcome:
    """The folder is made, and removed. ``Blocked`` where it does not end."""
    with limited(), machine(folder, scenario.seed) as made:
        made.host.programs = {**PROGRAMS}
        (folder / "secret").write_text(secret_of(scenario))
        (folder / "secret").chmod(0o600)
        for op in scenario.ops:
            made.at(op.at, lambda op=op: _edit(made, op, scenario))  # type: ignore[misc]
        disturbance = Disturbance(made, faults, scenario.seed)
        ends = [fault.at + fault.seconds for fault in faults if fault.what != "clock"]
        end = max(scenario.until, *ends, 0.0)
        made.at(end, disturbance.end)
        made.run_to(end + CALM)
        return _outcome(made, scenario, faults)


@contextmanager
def limited() -> Iterator[None]:
    """What runs within is cut off after so much work."""
    before = signal.signal(signal.SIGVTALRM, _blocked)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def secret_of(scenario: Scenario) -> str:
    return SECRET.format(seed=scenario.seed)


def _edit(made: Machine, op: Op, scenario: Scenario) -> None:
    made.note("edit", op.file, op.why)
    match op.what:
        case "write":
            made.folder.write(op.file, op.text)
        case "remove":
            made.folder.remove(op.file)
        case "take away":
            made.folder.take_away()
        case "bring back":
            made.folder.bring_back()
        case "unmount":
            made.folder.unmount()
        case "mount":
            made.folder.mount()
        case "sweep":
            started = {entry.app for entry in made.history.of("start")}
            if scenario.meant.keys() <= started:  # else a controller may know of too few
                made.folder.sweep()
        case "restore":
            made.folder.restore()
        case "lose":
            made.folder.lose(op.file)
        case "find":
            made.folder.find(op.file)


def _outcome(made: Machine, scenario: Scenario, faults: Sequence[Fault]) -> Outcome:
    controller = made.controller
    plans = controller.plan().apps
    running: dict[str, dict[int, list[str]]] = {}
    for one in made.host.alive.values():
        numbers = running.setdefault(one.tag.app, {})
        numbers.setdefault(one.tag.instance, []).append(made.host.versions[one.tag.nonce])
    controller.history.flush()
    logs = b"\n".join(
        path.read_bytes() for path in sorted((made.paths.root / "logs").rglob("*.log*"))
    )
    logged: dict[str, Counter[int]] = {}
    for number, nonce in LINE.findall(logs):
        logged.setdefault(nonce.decode(), Counter())[int(number)] += 1
    made.end_loop_watch()
    return Outcome(
        scenario,
        faults,
        made.history,
        made.border.counts,
        running,
        {plan.app: _standing(plan) for plan in plans},
        dict(made.host.spoken),
        dict(made.host.unheard),
        logged,
        b"bytes of output were lost" in logs,
        frozenset(one.event.reason for one in controller.history.events((), 100_000)),
        [*_leaks(made, plans, secret_of(scenario))],
        made.faults,
        made.slowest,
    )


def _standing(plan: AppPlan) -> str:
    status = plan.status
    return f"{status.sync} {status.health}"


def _leaks(made: Machine, plans: Sequence[AppPlan], secret: str) -> list[str]:
    """Where the secret is, and must not be."""
    wanted = secret.encode()
    found = [
        str(path.relative_to(made.paths.root.parent))
        for path in sorted(made.paths.root.rglob("*"))
        if path.is_file() and wanted in path.read_bytes()
    ]
    if secret in repr(plans):
        found.append("the plan")
    events = made.controller.history.events((), 100_000)
    answers = {"GET /v1/status": status_document(made.controller.plan(), {}, {}, 0.0, 0.0)}
    answers |= {f"event {one.id}": event_document(one) for one in events}
    return [*found, *(name for name, answer in answers.items() if secret in json.dumps(answer))]
