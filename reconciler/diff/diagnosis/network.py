"""Ports and connections: taken, forbidden, refused, unknown."""

from __future__ import annotations

import re

from reconciler.diff.diagnosis.cause import Cause, CauseCode, Evidence
from reconciler.diff.diagnosis.output import Output
from reconciler.diff.lint.advice import ports_of
from reconciler.diff.lint.servers import server_of
from reconciler.model.spec.program import ProgramSpec

_IN_USE = re.compile(
    r"EADDRINUSE|[Aa]ddress already in use|AddrInUse|Connection in use: "
    r"|[Pp]ort \d{1,5} (?:is|was) (?:already )?in use|Only one usage of each socket"
)
_BIND_FORBIDDEN = re.compile(
    r"listen EACCES|bind: permission denied|bind\(\).{0,80}Permission denied"
    r"|attempting to bind on address .{0,80}permission denied"
    r"|don't have permission to access that port"
)
_PORTS = (
    re.compile(r"[:\]](\d{1,5})\)?(?:[^0-9.:]|: |$)"),
    re.compile(r", (\d{1,5})\)"),
    re.compile(r"[Pp]ort (\d{1,5})\b"),
)
_REFUSED = re.compile(r"ECONNREFUSED|[Cc]onnection refused")
_TO = (
    re.compile(r"ECONNREFUSED ([0-9a-zA-Z.:\[\]-]{1,100}):(\d{1,5})"),
    re.compile(r'at "([^"]{1,100})"(?: \([^)]{1,60}\))?, port (\d{1,5})'),
    re.compile(r"host='([^']{1,100})', port=(\d{1,5})"),
    re.compile(r"dial tcp ([0-9a-zA-Z.:\[\]-]{1,100}):(\d{1,5})"),
    re.compile(r"Connect call failed \('([^']{1,100})', (\d{1,5})"),
    re.compile(r"\('([^']{1,100})', ?(\d{1,5})\)"),
    re.compile(r"(?:connecting to|connect to) ([0-9a-zA-Z.-]{1,100}):(\d{1,5})"),
)
_UNKNOWN = re.compile(
    r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ([^ :]{1,200})"
    r'|could not translate host name "([^"]{1,200})"'
    r"|lookup ([^ :]{1,200})[^:]{0,60}: no such host"
)
_UNKNOWN_PYTHON = re.compile(r"gaierror: \[Errno -\d\]|Temporary failure in name resolution")
_LOGIN = re.compile(
    r'password authentication failed for user "?([^" ]{1,80})"?'
    r"|Access denied for user '([^']{1,80})'|WRONGPASS|NOAUTH Authentication required"
)
_SERVICES = {
    5432: "PostgreSQL",
    3306: "MySQL",
    6379: "Redis",
    27017: "MongoDB",
    5672: "RabbitMQ",
    9092: "Kafka",
    9200: "Elasticsearch",
    11211: "memcached",
    1433: "SQL Server",
}


def recognise(evidence: Evidence) -> Cause | None:
    """The cause, if the output has a network error."""
    return (
        _in_use(evidence)
        or _forbidden(evidence)
        or _login(evidence)
        or _refused(evidence)
        or _unknown_host(evidence)
    )


def _in_use(evidence: Evidence) -> Cause | None:
    if evidence.output.find(_IN_USE) is None:
        return None
    port = _port(evidence, _IN_USE)
    what = f"port {port}" if port else "its port"
    shared = port in {socket.port for socket in evidence.spec.shared_sockets}
    message = f"{what} is in use: the program cannot listen on it"
    if shared:
        message = (
            f"{what} is declared under `sockets`, so recon listens on it, and the program "
            "also tries to"
        )
        return Cause(CauseCode.PORT_IN_USE, message, _use_descriptor(evidence, port))
    remedy = (
        f"stop the process that uses it (ss -ltnp 'sport = {port or ':PORT'}'), or choose "
        "another port"
    )
    return Cause(CauseCode.PORT_IN_USE, message, remedy, port)


def _use_descriptor(evidence: Evidence, port: int | None) -> str:
    server = server_of(evidence.spec.command)
    if server is not None and server.flag:
        return f"write {server.by_descriptor(evidence.spec.command)}"
    return "serve the descriptor from LISTEN_FDS (docs/sockets.md), or remove `sockets`"


def _forbidden(evidence: Evidence) -> Cause | None:
    if evidence.output.find(_BIND_FORBIDDEN) is None:
        return None
    port = _port(evidence, _BIND_FORBIDDEN)
    message = f"its user may not listen on port {port or 'PORT'}: only root may below 1024"
    listen = f"sockets: [{{name: http, port: {port or 'PORT'}}}]"
    remedy = f"{listen} has recon listen for it; or choose a higher port"
    return Cause(CauseCode.PORT_FORBIDDEN, message, remedy)


def taken_port(spec: ProgramSpec, output: Output) -> int | None:
    """The port on which a program could not listen, from its output."""
    if output.find(_IN_USE) is None:
        return None
    return _port(Evidence(spec, output=output), _IN_USE)


def _port(evidence: Evidence, fault: re.Pattern[str]) -> int | None:
    """The port that the lines of a fault name, else the only one that the manifest does."""
    for line in filter(fault.search, reversed(evidence.output.lines)):
        for pattern in _PORTS:
            found = [int(number) for number in pattern.findall(line)]
            ports = [number for number in found if 0 < number < 65536]
            if ports:
                return ports[-1]
    for other in evidence.output.lines:
        found = [int(number) for number in _PORTS[2].findall(other)] if "ort" in other else []
        if found and 0 < found[0] < 65536:
            return found[0]
    fixed, _ = ports_of(evidence.spec)
    words = [word.rpartition("=")[2].rpartition(":")[2] for word in evidence.spec.command]
    fixed |= {int(word) for word in words if word.isdecimal() and 80 <= int(word) < 65536}
    return next(iter(fixed)) if len(fixed) == 1 else None


def _refused(evidence: Evidence) -> Cause | None:
    if evidence.output.find(_REFUSED) is None:
        return None
    to = next((found for one in _TO if (found := evidence.output.find(one))), None)
    where = f"{to[1]}:{to[2]}" if to else "the address it connects to"
    service = f" ({_SERVICES[int(to[2])]})" if to and int(to[2]) in _SERVICES else ""
    message = f"connection refused by {where}{service}: nothing listens there"
    remedy = (
        "start that service, or correct the address in `env`; if recon runs it, add it "
        "to `dependsOn`"
    )
    return Cause(CauseCode.REFUSED, message, remedy)


def _unknown_host(evidence: Evidence) -> Cause | None:
    found = evidence.output.find(_UNKNOWN)
    name = next((one for one in found.groups() if one), "") if found else ""
    if found is None and evidence.output.find(_UNKNOWN_PYTHON) is None:
        return None
    message = (
        f"the host name {name} cannot be resolved" if name else "a host name cannot be resolved"
    )
    remedy = "correct it in `env`; names of containers (db, redis) are localhost here"
    return Cause(CauseCode.HOST_UNKNOWN, message, remedy)


def _login(evidence: Evidence) -> Cause | None:
    found = evidence.output.find(_LOGIN)
    if found is None:
        return None
    user = next((one for one in found.groups() if one), "")
    message = f"the login {'of ' + user + ' ' if user else ''}was refused by a database"
    remedy = "correct the password where `env` or `envFrom` takes it from"
    return Cause(CauseCode.LOGIN_REFUSED, message, remedy)
