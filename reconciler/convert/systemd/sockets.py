"""Sockets that systemd holds for all instances: one .socket unit each, since each has a name."""

from __future__ import annotations

from typing import Any

from reconciler.convert.fields import Fate
from reconciler.convert.systemd.draft import Draft, Lines
from reconciler.convert.systemd.unitfile import Section, Unwritable, path, render

_NODE = (
    "a program that calls listen() on the port itself fails (port in use): it must use the "
    "descriptor that it is given (LISTEN_FDS); recon's preload for Node does not apply"
)


def sockets(draft: Draft, comment: str) -> None:
    """The .socket units, and what the service says of them."""
    names = []
    for socket in draft.take("sockets", default=[]):
        name = f"{draft.base}.{socket['name']}.socket"
        try:
            draft.files[name] = _unit(draft, socket, comment)
        except Unwritable as error:
            draft.note(Fate.LOST, str(error), "sockets", socket["name"])
            continue
        names.append(name)
    if not names:
        return
    draft.service.append(("Sockets", " ".join(names)))
    draft.note(Fate.DIFFERS, _NODE, "sockets")
    if len(names) > 1:
        note = "their order is not fixed; the program must use LISTEN_FDNAMES"
        draft.note(Fate.DIFFERS, note, "sockets")


def _unit(draft: Draft, socket: dict[str, Any], comment: str) -> str:
    lines: Lines = [("FileDescriptorName", socket["name"]), ("Service", draft.member(0))]
    known = {"name", "port", "host", "path", "mode", "owner", "group"}
    for field in socket.keys() - known:
        note = "the exporter does not know this field; set it by hand"
        draft.note(Fate.LOST, note, "sockets", socket["name"], field)
    if socket.get("path"):
        lines += _unix(draft, socket)
    else:
        lines += _tcp(socket)
    unit = [("Description", f"{draft.name}: {socket['name']}")]
    install = [("WantedBy", "sockets.target")]
    sections = [Section("Unit", unit), Section("Socket", lines), Section("Install", install)]
    return render(sections, comment)


def _tcp(socket: dict[str, Any]) -> Lines:
    host, port = socket.get("host") or "127.0.0.1", socket["port"]
    if ":" not in host:
        return [("ListenStream", f"{host}:{port}"), ("NoDelay", "yes")]
    both = "both" if host == "::" else "ipv6-only"
    return [("ListenStream", f"[{host}]:{port}"), ("BindIPv6Only", both), ("NoDelay", "yes")]


def _unix(draft: Draft, socket: dict[str, Any]) -> Lines:
    lines: Lines = [("ListenStream", path(socket["path"])), ("RemoveOnStop", "yes")]
    lines.append(("SocketMode", f"0{socket.get('mode') or '660'}"))
    if not socket.get("owner") and draft.peek("user"):  # as `AppSpec.owned_sockets` has it
        socket = {**socket, "owner": draft.peek("user")}
    for field, setting in (("owner", "SocketUser"), ("group", "SocketGroup")):
        if socket.get(field) and not draft.target.user:
            lines.append((setting, socket[field]))
        elif socket.get(field):
            note = "only the system's service manager can give a socket file another owner"
            draft.note(Fate.LOST, note, "sockets", socket["name"], field)
    return lines
