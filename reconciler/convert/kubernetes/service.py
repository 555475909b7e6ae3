"""A port that other Pods can reach: a Service."""

from __future__ import annotations

from typing import Any

from reconciler.convert.engines.draft import Draft
from reconciler.convert.fields import Fate
from reconciler.convert.kubernetes import names
from reconciler.convert.kubernetes.probes import ports as probed_ports

Ports = dict[str, int]

_PROTOCOL = "TCP"
"""Written though it is the default: it is a part of the key by which server-side apply knows a port
(`x-kubernetes-list-map-keys`), and servers before 1.21 take no port without it."""

_LISTEN = (
    "no descriptor is handed over: the program must listen on the port itself, on 0.0.0.0 or ::"
)


def ports_of(draft: Draft) -> Ports:
    """By name, the ports that it serves: of its sockets, else of its probes. Nothing is taken."""
    found: Ports = {}
    for path in draft.each("sockets"):
        port = draft.peek(*path, "port")
        if port is not None and port not in found.values():
            found[names.port_name(draft.peek(*path, "name"), found)] = port
    if draft.peek("sockets"):
        return found
    for port in probed_ports(draft):
        found[names.port_name(f"port-{port}", found)] = port
    return found


def ports(draft: Draft, container: dict[str, Any]) -> Ports:
    """The ports of the container, with what becomes of its sockets."""
    found = ports_of(draft)
    for path in draft.each("sockets"):
        _socket(draft, path)
    if not draft.peek("sockets") and found:
        text = (
            f"the Service is for the port of a probe ({', '.join(map(str, found.values()))}); "
            "declare `sockets` for others"
        )
        draft.note(Fate.DIFFERS, text, "sockets")
    if found:
        container["ports"] = [
            {"name": name, "containerPort": port, "protocol": _PROTOCOL}
            for name, port in found.items()
        ]
    return found


def service(draft: Draft, name: str, found: Ports) -> dict[str, Any]:
    """The Service of these ports: the kernel's one queue becomes one address."""
    if name != draft.name:
        text = f"the Service is named {name}: its name must begin with a letter"
        draft.note(Fate.DIFFERS, text, "sockets")
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": names.metadata(draft, name),
        "spec": {
            "selector": names.selector(draft.name),
            "ports": [
                {"name": port_name, "port": port, "protocol": _PROTOCOL, "targetPort": port_name}
                for port_name, port in found.items()
            ],
        },
    }


def _socket(draft: Draft, path: tuple[str, ...]) -> None:
    draft.take(*path, "name")
    if draft.take(*path, "path") is not None:
        draft.note(Fate.LOST, "Pods share no unix sockets; use a port", *path)
        for field in ("mode", "owner", "group"):
            draft.take(*path, field)
        return
    draft.take(*path, "port")
    draft.note(Fate.DIFFERS, _LISTEN, *path)
    if draft.take(*path, "host") is not None:
        text = "all Pods of the cluster can reach the port; a NetworkPolicy can restrict that"
        draft.note(Fate.DIFFERS, text, *path, "host")
