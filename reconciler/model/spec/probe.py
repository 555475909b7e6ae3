"""Probes: how a program is asked whether it has started, is ready, still lives.

``ProbeKind`` is all that recon knows of a kind of check without making it. A kind is a class here,
a field of ``Probe`` and a row of ``KINDS``; ``loop.checking`` has a row with the check itself.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Protocol, cast

from pydantic import AfterValidator, Field, Strict, model_validator

from reconciler.model.spec.base import Manifest
from reconciler.model.words.sentence import InvalidValue, Sentence
from reconciler.model.words.values import Command, PerInstance, Port, Seconds, Whole

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: token
_EXPLOSIVE = re.compile(r"[+*}]\)[+*{]")
_MOST_NESTED = 50  # `re` takes several calls a group, of the 1,000 that Python allows
ProbePort = Port | PerInstance


def _pattern(value: str) -> str:
    if _most_nested(value) > _MOST_NESTED:
        raise InvalidValue(
            f"a regular expression nests at most {_MOST_NESTED} groups", "simplify it"
        )
    try:
        re.compile(value.encode())
    except (re.error, OverflowError) as error:
        raise ValueError(f"{value!r} is not a regular expression: {error}") from None
    if _EXPLOSIVE.search(value):
        fault = "has nested quantifiers, which can take exponential time"
        raise InvalidValue(f"{value!r} {fault}", "simplify the pattern")
    return value


def _most_nested(pattern: str) -> int:
    """How deep the groups of a pattern nest at most, or more (it may hold a bracket as text)."""
    depth = most = 0
    for character in pattern:
        depth += (character == "(") - (character == ")")
        most = max(most, depth)
    return most


LogPattern = Annotated[str, Field(min_length=1), AfterValidator(_pattern)]


def port_of(port: ProbePort, instance: int) -> int:
    """The port number at which instance number ``instance`` is asked."""
    return port.per_instance + instance if isinstance(port, PerInstance) else port


class Target(Protocol):
    """Where a check over the network connects to."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> ProbePort: ...


class ProbeKind(ABC):
    """One kind of check, with its settings."""

    is_active: ClassVar[bool] = True
    """Whether a check asks the program; else recon waits for what the program says by itself."""
    liveness_fault: ClassVar[Sentence | None] = None
    """Why a livenessProbe cannot be of this kind."""

    @property
    def target(self) -> Target | None:
        """Where it connects to; None where it asks by other means."""
        return None

    @property
    def runs(self) -> Command:
        """The command that the check runs; empty where it runs none."""
        return ()

    @abstractmethod
    def question(self, instance: int) -> str:
        """What an instance is asked, as a phrase before a colon."""

    @abstractmethod
    def remedy(self, role: str) -> str:
        """What a user can do where the check of ``role`` fails: ``readinessProbe``."""


_PORT: Any = Field(description="port: a number, or {perInstance: FIRST}")
_HOST: Any = Field("127.0.0.1", description="host name or IP address")


class _OverNetwork(ProbeKind):
    @property
    def target(self) -> Target:
        return cast(Target, self)

    def remedy(self, role: str) -> str:
        return f"see its log, or correct `{role}` (path, timeoutSeconds)"


class HttpHeader(Manifest):
    """One header of a request."""

    name: str = Field(description="name of the header")
    value: str = Field(description="value of the header")

    @model_validator(mode="after")
    def _fits_on_a_line(self) -> HttpHeader:
        if not _HEADER.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not a valid header name")
        if not self.value.isprintable():
            raise ValueError(
                f"the value of {self.name} contains a character that is not allowed in a header"
            )
        return self


class HttpGet(Manifest, _OverNetwork):
    """GET; 200 to 399 is success. HTTPS is not verified, as in Kubernetes."""

    port: ProbePort = _PORT
    path: str = Field("/", description="path of the request")
    host: str = _HOST
    scheme: Literal["HTTP", "HTTPS"] = Field("HTTP", description="HTTP, or HTTPS without a check")
    http_headers: tuple[HttpHeader, ...] = Field((), description="headers of the request")

    def question(self, instance: int) -> str:
        path = self.path if self.path.startswith("/") else f"/{self.path}"
        return f"GET {self.scheme.lower()}://{self.host}:{port_of(self.port, instance)}{path}"


class TcpSocket(Manifest, _OverNetwork):
    """Success is that a connection can be opened."""

    port: ProbePort = _PORT
    host: str = _HOST

    def question(self, instance: int) -> str:
        return f"connecting to {self.host}:{port_of(self.port, instance)}"


class Exec(Manifest, ProbeKind):
    """A command, in the app's directory, as its user, with its environment; 0 is success."""

    command: Command = Field(description="the command and its arguments; exit code 0 is success")

    @property
    def runs(self) -> Command:
        return self.command

    def question(self, instance: int) -> str:
        return f"the check {' '.join(self.command)[:60]}"

    def remedy(self, role: str) -> str:
        return f"run that by hand in `cwd`, or correct `{role}.exec`"


@dataclass(frozen=True)
class LogLine(ProbeKind):
    """A line of output that matches a pattern."""

    pattern: str
    is_active = False
    liveness_fault = Sentence(
        "a line of output cannot show that a program is still alive", "use another kind of probe"
    )

    def question(self, instance: int) -> str:
        return f"waiting for a line that matches {self.pattern[:60]!r}"

    def remedy(self, role: str) -> str:
        return f"compare `{role}.log` with what it writes: `recon logs`"


class Notify(ProbeKind):
    """The program's own word: sd_notify(3), or ``process.send('ready')`` of Node."""

    is_active = False

    def question(self, instance: int) -> str:
        return "waiting for READY=1 (sd_notify)"

    def remedy(self, role: str) -> str:
        return "have the program call sd_notify, or use an httpGet or tcpSocket probe"


KINDS: Mapping[str, Callable[[Any], ProbeKind]] = {
    "http_get": lambda value: value,
    "tcp_socket": lambda value: value,
    "exec": lambda value: value,
    "log": LogLine,
    "notify": lambda _: Notify(),
}
"""By field of ``Probe``: its value as a kind."""


class Probe(Manifest):
    """Exactly one kind of check, and its rhythm (Kubernetes: Probe, same defaults)."""

    http_get: HttpGet | None = Field(None, description="an HTTP request; 200 to 399 is success")
    tcp_socket: TcpSocket | None = Field(None, description="a connection to a port")
    exec: Exec | None = Field(None, description="a command, run as the app's user")
    log: LogPattern | None = Field(
        None, description="a regular expression that a line of output matches"
    )
    notify: Literal[True] | None = Field(
        None, description="sd_notify: READY=1, or WATCHDOG=1; or process.send('ready') of Node"
    )
    initial_delay_seconds: Seconds = Field(0, description="wait before the first probe")
    period_seconds: Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)] = Field(
        10, description="time between two probes; shorter until the first success"
    )
    timeout_seconds: Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)] = Field(
        1, description="a probe that takes longer fails"
    )
    success_threshold: Whole = Field(
        1, ge=1, description="how many probes in a row must succeed before it is ready"
    )
    failure_threshold: Whole = Field(
        3, ge=1, description="how many probes in a row may fail before recon acts"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Probe:
        if len([*self._declared()]) != 1:
            names = ", ".join(type(self).model_fields[field].alias or field for field in KINDS)
            raise ValueError(f"a probe needs exactly one of {names}")
        return self

    def _declared(self) -> Iterator[str]:
        return (field for field in KINDS if getattr(self, field) is not None)

    @property
    def field(self) -> str:
        """The field that declares its kind, as a manifest has it."""
        name = next(self._declared())
        return type(self).model_fields[name].alias or name

    @property
    def kind(self) -> ProbeKind:
        """How the program is asked."""
        name = next(self._declared())
        return KINDS[name](getattr(self, name))


class ProbeRole(StrEnum):
    """What a probe is for."""

    STARTUP = "startup"
    READINESS = "readiness"
    LIVENESS = "liveness"
