"""The group of a job: how many, their ports, checks and restarts, and how an update goes."""

from __future__ import annotations

import math
from typing import Any

from reconciler.convert.engines.draft import Draft
from reconciler.convert.fields import Fate
from reconciler.convert.nomad.task import nanoseconds
from reconciler.model.spec.probe import ProbeRole
from reconciler.model.words.quantity import resolve_share

_LISTEN = (
    "no descriptor is handed over: each instance needs a client's host of its own for the port"
)
_LEAST_INTERVAL = 5.0
_LEAST_CHECK = 1.0
_HOUR = 3600.0


def networks(draft: Draft) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """The ports as ``Networks``, and the label of each."""
    labels: dict[int, str] = {}
    for path in draft.each("sockets"):
        name, port = draft.take(*path, "name"), draft.take(*path, "port")
        if port is None:
            for field in ("path", "mode", "owner", "group"):
                draft.take(*path, field)
            draft.note(Fate.LOST, "the program must make its unix socket itself", *path)
            continue
        labels.setdefault(port, name.replace("-", "_"))
        draft.note(Fate.DIFFERS, _LISTEN, *path)
        if draft.take(*path, "host") is not None:
            text = "the port is reserved on the client's address; the program chooses where it "
            draft.note(Fate.DIFFERS, text + "listens", *path, "host")
    for role in ProbeRole:
        for kind in ("httpGet", "tcpSocket"):
            port = draft.peek(f"{role}Probe", kind, "port")
            if isinstance(port, int):
                labels.setdefault(port, f"port_{port}")
    ports = [{"Label": label, "Value": port} for port, label in labels.items()]
    return ([{"Mode": "host", "ReservedPorts": ports}] if ports else []), labels


def services(draft: Draft, labels: dict[int, str]) -> list[dict[str, Any]]:
    """A service for each port, in Nomad's own catalogue, with the checks that ask it."""
    found: list[dict[str, Any]] = []
    checks = _checks(draft)
    for port, label in labels.items():
        name = draft.name if len(found) == 0 else f"{draft.name}-{label.replace('_', '-')}"
        service = {"Name": name[:63].rstrip("-"), "Provider": "nomad", "PortLabel": label}
        of_port = [check for probed, check in checks if probed == port]
        found.append({**service, "Checks": of_port} if of_port else service)
    return found


def _checks(draft: Draft) -> list[tuple[int, dict[str, Any]]]:
    found = []
    for role in ProbeRole:
        field = f"{role}Probe"
        if draft.peek(field) is None:
            continue
        kind = next((one for one in ("httpGet", "tcpSocket") if draft.peek(field, one)), None)
        port = draft.peek(field, kind, "port") if kind else None
        if kind is None or not isinstance(port, int):
            draft.take(field)
            text = (
                "Nomad's own checks are HTTP and TCP, on one port for all instances; the task "
                "counts as healthy when it runs"
            )
            draft.note(Fate.LOST, text, field)
            continue
        found.append((port, _check(draft, field, kind)))
    return found


def _check(draft: Draft, field: str, kind: str) -> dict[str, Any]:
    draft.take(field, kind, "port")
    if draft.take(field, kind, "host") is not None:
        draft.note(Fate.DIFFERS, "Nomad asks the client's address", field, kind, "host")
    period = draft.take(field, "periodSeconds", default=10)
    timeout = draft.take(field, "timeoutSeconds", default=1)
    check: dict[str, Any] = {
        "Name": field,
        "Type": "http" if kind == "httpGet" else "tcp",
        "Interval": nanoseconds(max(_LEAST_CHECK, period)),
        "Timeout": nanoseconds(max(_LEAST_CHECK, timeout)),
    }
    if kind == "httpGet":
        path = draft.take(field, kind, "path", default="/")
        check["Path"] = path if path.startswith("/") else f"/{path}"
        scheme = draft.take(field, kind, "scheme")
        check |= {"Protocol": "https", "TLSSkipVerify": True} if scheme == "HTTPS" else {}
        headers: dict[str, list[str]] = {}
        for one in draft.take(field, kind, "httpHeaders", default=[]):
            headers.setdefault(one["name"], []).append(one["value"])
        check |= {"Header": headers} if headers else {}
    if field == "livenessProbe":
        grace = draft.take(field, "initialDelaySeconds", default=0)
        limit = draft.take(field, "failureThreshold", default=3)
        check["CheckRestart"] = {"Limit": limit, "Grace": nanoseconds(grace)}
    return check


def update(draft: Draft, *, has_checks: bool) -> dict[str, Any]:
    """The update stanza: a canary where nothing may be down, or where one was declared."""
    count = max(1, draft.instances)
    kind = draft.take("strategy", "type")
    surge = draft.take("strategy", "maxSurge", default="25%")
    down = draft.take("strategy", "maxUnavailable", default="25%")
    ready, deadline = draft.take("minReadySeconds"), draft.take("progressDeadlineSeconds")
    ready = (0.0 if has_checks else 1.0) if ready is None else ready
    deadline = 600.0 if deadline is None else deadline
    at_once = resolve_share(down, count, round_up=False)
    canaries = 0
    canary = draft.take("strategy", "canary")
    if canary is not None:
        canaries = resolve_share(canary.get("instances", 1), count, round_up=True)
        ready = max(ready, canary.get("seconds", 60))
        text = "each instance must stay healthy for `seconds`, not only a canary"
        draft.note(Fate.DIFFERS, text, "strategy", "canary")
    elif kind == "Recreate":
        at_once = count
    elif at_once == 0 and resolve_share(surge, count, round_up=True):
        canaries = count
        text = "all new instances start beside the old ones, which end when they are healthy"
        draft.note(Fate.DIFFERS, text, "strategy", "maxSurge")
    if draft.peek("strategy", "maxSurge") is not None and canaries != count:
        text = "Nomad starts no more than `instances`, but for canaries"
        draft.note(Fate.LOST, text, "strategy", "maxSurge")
    deadline = max(deadline, ready + 1)
    return {
        "MaxParallel": max(1, at_once),
        "Canary": canaries,
        "AutoPromote": canaries > 0,
        "AutoRevert": True,
        "HealthCheck": "checks" if has_checks else "task_states",
        "MinHealthyTime": nanoseconds(ready),
        "HealthyDeadline": nanoseconds(ready + 0.9 * (deadline - ready)),
        "ProgressDeadline": nanoseconds(deadline),
    }


def restarts(draft: Draft) -> dict[str, Any]:
    """RestartPolicy, and no other client for what fails on this one."""
    first = float(draft.take("backoff", "initialSeconds", default=1))
    most = float(draft.take("backoff", "maxSeconds", default=60))
    if draft.is_job:
        if draft.peek("backoff", "maxSeconds") is not None:
            text = "every wait between two tries is the first one"
            draft.note(Fate.LOST, text, "backoff", "maxSeconds")
        tries = int(draft.take("backoffLimit", default=6))
        interval = max(_HOUR, 24 * _HOUR, tries * first)
        policy = {"Attempts": tries, "Delay": nanoseconds(first), "Mode": "fail"}
    elif draft.peek("restartPolicy") == "Never":
        interval, policy = _LEAST_INTERVAL, {"Attempts": 0, "Delay": 0, "Mode": "fail"}
    else:
        # As many tries as recon makes until its waits are the longest.
        steps = max(1, math.ceil(math.log2(most / first))) if first and most > first else 1
        interval = max(_LEAST_INTERVAL, most, steps * first)
        policy = {"Attempts": steps, "Delay": nanoseconds(first), "Mode": "delay"}
    draft.take("restartPolicy")
    found: dict[str, Any] = {"RestartPolicy": {**policy, "Interval": nanoseconds(interval)}}
    if draft.completes:
        found["ReschedulePolicy"] = {"Attempts": 0, "Unlimited": False}
    return found
