"""Probes: how a program is asked whether it has started, is ready, still lives."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict, model_validator

from reconciler.model.spec.base import Manifest
from reconciler.model.words.values import Command, PerInstance, Port, Seconds, Whole

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: token
_EXPLOSIVE = re.compile(r"[+*}]\)[+*{]")
_MOST_NESTED = 50  # `re` takes several calls a group, of the 1,000 that Python allows
ProbePort = Port | PerInstance


def _pattern(value: str) -> str:
    if _most_nested(value) > _MOST_NESTED:
        raise ValueError(f"a regular expression nests at most {_MOST_NESTED} groups; simplify it")
    try:
        re.compile(value.encode())
    except (re.error, OverflowError) as error:
        raise ValueError(f"{value!r} is not a regular expression: {error}") from None
    if _EXPLOSIVE.search(value):
        told = "has nested quantifiers, which can take exponential time"
        raise ValueError(f"{value!r} {told}; simplify the pattern")
    return value


def _most_nested(pattern: str) -> int:
    """How deep the groups of a pattern nest at most, or more (it may hold a bracket as text)."""
    depth = most = 0
    for character in pattern:
        depth += (character == "(") - (character == ")")
        most = max(most, depth)
    return most


LogPattern = Annotated[str, Field(min_length=1), AfterValidator(_pattern)]


class HttpHeader(Manifest):
    """One header of a request."""

    name: str
    value: str

    @model_validator(mode="after")
    def _fits_on_a_line(self) -> HttpHeader:
        if not _HEADER.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a header")
        if not self.value.isprintable():
            raise ValueError(f"the value of {self.name} holds a character that no header can")
        return self


class HttpGet(Manifest):
    """GET; 200 to 399 is success. HTTPS is not verified, as in Kubernetes."""

    port: ProbePort
    path: str = "/"
    host: str = "127.0.0.1"
    scheme: Literal["HTTP", "HTTPS"] = "HTTP"
    http_headers: tuple[HttpHeader, ...] = ()


class TcpSocket(Manifest):
    """Success is that a connection can be opened."""

    port: ProbePort
    host: str = "127.0.0.1"


class Exec(Manifest):
    """A command, in the app's directory, as its user, with its environment; 0 is success."""

    command: Command


class Probe(Manifest):
    """Exactly one kind of check, and its rhythm (Kubernetes: Probe, same defaults)."""

    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    exec: Exec | None = None
    log: LogPattern | None = Field(None, description="a regular expression, in a line of output")
    notify: Literal[True] | None = Field(
        None, description="sd_notify: READY=1, or WATCHDOG=1; or process.send('ready') of Node"
    )
    initial_delay_seconds: Seconds = 0
    period_seconds: Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)] = 10
    timeout_seconds: Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)] = 1
    success_threshold: Whole = Field(1, ge=1)
    failure_threshold: Whole = Field(3, ge=1)

    @model_validator(mode="after")
    def _one_kind(self) -> Probe:
        kinds = (self.http_get, self.tcp_socket, self.exec, self.log, self.notify)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("a probe needs exactly one of httpGet, tcpSocket, exec, log, notify")
        return self

    @property
    def is_asked(self) -> bool:
        """Whether a check asks the program; else its own word is waited for."""
        return self.log is None and self.notify is None


class ProbeRole(StrEnum):
    """What a probe is for."""

    STARTUP = "startup"
    READINESS = "readiness"
    LIVENESS = "liveness"
