"""Probes: the same kinds, names and meanings, but for what only a supervisor beside the process
can see."""

from __future__ import annotations

import ipaddress
from typing import Any

from reconciler.convert.engines.draft import Draft
from reconciler.convert.fields import Fate
from reconciler.convert.kubernetes.container import literal
from reconciler.model.spec.probe import ProbeRole

_SECONDS = {"initialDelaySeconds": 0, "periodSeconds": 1, "timeoutSeconds": 1}
"""By field, the least that Kubernetes takes."""
_MEANS = {
    ProbeRole.STARTUP: "a Pod counts as started when its container runs",
    ProbeRole.READINESS: "a Pod is ready when its container runs",
    ProbeRole.LIVENESS: "a hang is not noticed",
}


def probes(draft: Draft, container: dict[str, Any]) -> None:
    """The probes of the container."""
    for role in ProbeRole:
        field = f"{role}Probe"
        if draft.peek(field) is None:
            continue
        kind = _kind(draft, field)
        if kind is None:
            draft.take(field)
            text = (
                f"Kubernetes sees neither log lines nor sd_notify: {_MEANS[role]}; use httpGet, "
                "tcpSocket or exec"
            )
            draft.note(Fate.LOST, text, field)
            continue
        probe: dict[str, Any] = kind
        for name, least in _SECONDS.items():
            seconds = draft.whole_seconds(field, name, least=least)
            probe |= {name: seconds} if seconds is not None else {}
        for name in ("successThreshold", "failureThreshold"):
            count = draft.take(field, name)
            probe |= {name: count} if count is not None else {}
        container[field] = probe


def ports(draft: Draft) -> list[int]:
    """The ports that the probes ask, each once."""
    found = []
    for role in (ProbeRole.READINESS, ProbeRole.LIVENESS, ProbeRole.STARTUP):
        for kind in ("httpGet", "tcpSocket"):
            port = draft.peek(f"{role}Probe", kind, "port")
            if port is not None:
                found.append(int(port["perInstance"] if isinstance(port, dict) else port))
    return list(dict.fromkeys(found))


def _kind(draft: Draft, field: str) -> dict[str, Any] | None:
    if draft.peek(field, "exec") is not None:
        # The kubelet expands the command of a probe as that of the container.
        words = [literal(word) for word in draft.take(field, "exec", "command")]
        return {"exec": {"command": words}}
    for name in ("httpGet", "tcpSocket"):
        if draft.peek(field, name) is not None:
            return {name: _over_network(draft, field, name)}
    return None


def _over_network(draft: Draft, field: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {"port": _port(draft, field, kind)}
    host = draft.take(field, kind, "host")
    if host is not None and not _is_here(host):
        found["host"] = host
    elif host is not None:
        text = f"is the Pod's address, not {host}: the program must listen on it (0.0.0.0 or ::)"
        draft.note(Fate.DIFFERS, text, field, kind, "host")
    if kind == "httpGet":
        path = draft.take(field, kind, "path", default="/")
        found["path"] = path if path.startswith("/") else f"/{path}"
        scheme = draft.take(field, kind, "scheme")
        found |= {"scheme": scheme} if scheme else {}
        headers = draft.take(field, kind, "httpHeaders")
        found |= {"httpHeaders": headers} if headers else {}
    return found


def _port(draft: Draft, field: str, kind: str) -> int:
    port = draft.take(field, kind, "port")
    if isinstance(port, dict):
        first = int(port["perInstance"])
        text = f"is {first} in every Pod: instances have no numbers, and each its own address"
        draft.note(Fate.DIFFERS, text, field, kind, "port")
        return first
    return int(port)


def _is_here(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified
