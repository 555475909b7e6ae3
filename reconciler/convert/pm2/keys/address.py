"""Where a program of PM2's cluster mode listens: recon is to listen there, and nowhere wider.

In that mode the program's own `listen` decides. What the config says of it is what it hands over:
a variable (HOST, BIND, …) or an option (``--host``, ``-H``, …).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.convert.host import Host

LOOPBACK = "127.0.0.1"
_VARIABLES = (
    *("HOST", "BIND", "ADDRESS", "BIND_ADDRESS", "BIND_HOST", "LISTEN_HOST", "LISTEN_ADDRESS"),
    *("BIND_ADDR", "LISTEN_ADDR", "SERVER_HOST", "SERVER_ADDRESS", "APP_HOST", "HTTP_HOST"),
    *("NITRO_HOST", "NUXT_HOST", "HOSTNAME", "IP", "HOST_IP", "LISTEN"),
)
_OPTION = re.compile(
    r"(--(?:host|hostname|bind|bind-address|address|addr|listen|listen-host|ip)|-H)(?:=(.*))?", re.S
)
_PORT_OPTION = re.compile(r"(?:--port|-p|-P)(?:=(.*))?", re.S)
_PATH_VARIABLES = ("PORT", "SOCKET", "SOCKET_PATH", "LISTEN", *_VARIABLES)


class Listen(NamedTuple):
    """``host`` is an IP address or ``localhost``; ``strange`` is what is neither."""

    host: str | None = None
    key: str = ""
    strange: str = ""


def listen_address(env: Mapping[str, Any], command: Sequence[str]) -> Listen:
    """The address that options or variables name, the options first; none where none does."""
    for key, value in (*_options(command), *_variables(env)):
        text = _without_port(_bare(value))
        if text in ("*", "true"):
            return Listen("0.0.0.0", key)
        if text.lower() == "localhost":
            return Listen("localhost", key)
        try:
            return Listen(str(ipaddress.ip_address(text.strip("[]"))), key)
        except ValueError:
            if text and not text.isdecimal() and not _is_path(text):
                return Listen(None, key, text)
    return Listen()


def listen_port(env: Mapping[str, Any], command: Sequence[str]) -> int | None:
    """The port that the program is told: one for all instances."""
    port = port_of(env.get("PORT"))
    if port is not None:
        return port
    for word, following in zip(command, [*command[1:], ""], strict=True):
        match = _PORT_OPTION.fullmatch(word)
        if match is not None:
            return port_of(match[1] or following)
    for _, value in (*_options(command), *_variables(env)):
        head, colon, tail = _bare(value).rpartition(":")
        if colon and (":" not in head or head.endswith("]")):
            return port_of(tail)
    return None


def listen_path(env: Mapping[str, Any], command: Sequence[str]) -> str | None:
    """The path of a unix socket that it listens on, where it is told one in the place of a port."""
    given = [str(env[name]) for name in _PATH_VARIABLES if isinstance(env.get(name), str)]
    for value in (*(value for _, value in _options(command)), *given):
        path = value.strip().removeprefix("unix:").removeprefix("//")
        if _is_path(value.strip()) and path.endswith((".sock", ".socket")):
            return path
    return None


def port_of(value: Any) -> int | None:
    """A port that is the same for all instances."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 6:
        number = int(value)
        return number if 0 < number < 65536 else None
    return None


def socket_at(port: int, listen: Listen, host: Host) -> dict[str, Any]:
    """The socket as recon declares it: where the program would have listened."""
    address = {None: host.any_address, "localhost": LOOPBACK}.get(listen.host, listen.host)
    if listen.strange:
        address = LOOPBACK
    return {"name": "http", "port": port, "host": address}


def _options(command: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    for word, following in zip(command, [*command[1:], ""], strict=True):
        match = _OPTION.fullmatch(word)
        if match is not None:
            value = match[2] if match[2] is not None else following
            # `--host` alone means everywhere (Vite).
            found.append((match[1], "0.0.0.0" if value.startswith("-") or not value else value))
    return found


def _variables(env: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = ((name, env.get(name)) for name in _VARIABLES)
    return [(name, value) for name, value in named if isinstance(value, str) and value.strip()]


def _is_path(text: str) -> bool:
    return text.startswith(("/", "./", "../", "unix:"))


def _bare(value: str) -> str:
    return value.strip().removeprefix("tcp://").removeprefix("http://").rstrip("/")


def _without_port(text: str) -> str:
    """``127.0.0.1:3000`` and ``[::1]:3000`` without the port; a bare IPv6 address stays."""
    if text.startswith("[") and "]" in text:
        return text[1 : text.index("]")]
    head, colon, tail = text.rpartition(":")
    return head if colon and head.count(":") == 0 and tail.isdecimal() else text
