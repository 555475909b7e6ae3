"""Why an instance has no place, and how one ended, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.model.state.observed import Exit
from reconciler.model.words.printable import plain
from reconciler.targets.nomad.answers import Allocation, Placement, TaskEvent, TaskState

_STARTED, _KILLING, _TERMINATED, _RESTARTING = "Started", "Killing", "Terminated", "Restarting"
"""Types of task events (Nomad: TaskStarted, TaskKilling, …)."""
_DIGITS = 12
"""As many as no number of Nomad's text has."""
_FAILURES = {"Driver Failure", "Setup Failure", "Failed Artifact Download", "Failed Validation"}


def no_place(failed: Mapping[str, Placement]) -> str:
    """A sentence; empty where every instance has its place."""
    return "; ".join(_of_group(one) for _, one in sorted(failed.items()))


def _of_group(one: Placement) -> str:
    count = 1 + one.coalesced_failures
    causes = [
        f"{plain(what)} on {nodes}" for what, nodes in sorted(one.dimension_exhausted.items())
    ]
    found = [f"too little {', '.join(causes)} of {one.nodes_evaluated} nodes"] if causes else []
    for what, nodes in sorted({**one.constraint_filtered, **one.class_filtered}.items()):
        found.append(f"{plain(what)} leaves out {nodes} of {one.nodes_evaluated} nodes")
    found += [f"the quota is used up ({plain(quota)})" for quota in one.quota_exhausted]
    if not found:
        are_there = sum(one.nodes_available.values())
        found = ["every node is taken"] if are_there else ["no node is ready in its datacenters"]
    subject = "1 instance has" if count == 1 else f"{count} instances have"
    return f"{subject} no place: {', '.join(found)}"


def last_end(states: Mapping[str, TaskState]) -> Exit | None:
    """How the last process of an allocation ended."""
    ends = [one for state in states.values() for one in state.events if one.type == _TERMINATED]
    return exit_of(max(ends, key=lambda one: one.time)) if ends else None


def exit_of(event: TaskEvent) -> Exit:
    """How a process ended, of the event that says so."""
    code = _number(event.details.get("exit_code"), event.exit_code)
    signal = _number(event.details.get("signal"), event.signal)
    if event.details.get("oom_killed") == "true":
        return Exit(code, signal or None, "OOMKilled", "the memory of the task was exhausted")
    return Exit(None if signal else code, signal or None)


def faults(state: TaskState) -> Iterator[TaskEvent]:
    """What went wrong with a task: crashes, and what kept it from its start. A process that was
    stopped ended for another reason."""
    is_stopped = False
    for event in state.events:
        crashed = event.type == _TERMINATED and not is_stopped and not exit_of(event).success
        if crashed or event.type in _FAILURES:
            yield event
        is_stopped = event.type == _KILLING or (is_stopped and event.type != _STARTED)


def waits_to_restart(one: Allocation) -> bool:
    """Whether it crashed, and the client waits before it starts it again."""
    return any(
        state.state == "pending" and bool(state.events) and state.events[-1].type == _RESTARTING
        for state in one.task_states.values()
    )


def why_failed(one: Allocation) -> str:
    """What went wrong with an allocation last; empty where nothing did."""
    found = [event for state in one.task_states.values() for event in faults(state)]
    if found:
        last = max(found, key=lambda event: event.time)
        return str(exit_of(last)) if last.type == _TERMINATED else plain(last.display_message)
    return plain(one.client_description) if one.client_status in ("failed", "lost") else ""


def last_message(one: Allocation) -> str:
    """What the client said last of an allocation that does not run yet."""
    events = [event for state in one.task_states.values() for event in state.events]
    newest = max(events, key=lambda event: event.time, default=None)
    return plain(newest.display_message) if newest is not None else ""


def _number(text: str | None, other: int) -> int:
    is_number = text is not None and len(text) < _DIGITS and text.removeprefix("-").isdecimal()
    return int(text) if text is not None and is_number else other
