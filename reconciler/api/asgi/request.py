"""One request, as ASGI describes it (its ``scope``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, overload
from urllib.parse import parse_qsl

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Values:
    """Names with one value or several, as a query and headers have them."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    @overload
    def get(self, name: str, default: str) -> str: ...
    @overload
    def get(self, name: str, default: None = None) -> str | None: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """The last value of a name."""
        found = self._values.get(name)
        return found[-1] if found else default

    def getlist(self, name: str) -> list[str]:
        """All values of a name."""
        return [*self._values.get(name, ())]


class Request:
    """What a handler reads."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self._receive = receive

    @property
    def method(self) -> str:
        """``GET``, ``POST``, …"""
        return str(self.scope["method"])

    @property
    def path_params(self) -> dict[str, str]:
        """The parts of the path that the route names."""
        found: dict[str, str] = self.scope["path_params"]
        return found

    @property
    def query_params(self) -> Values:
        """The parameters behind the path."""
        text = self.scope["query_string"].decode("latin-1")
        return Values(parse_qsl(text, keep_blank_values=True))

    @property
    def headers(self) -> Values:
        """By their names in small letters."""
        pairs: Iterable[tuple[bytes, bytes]] = self.scope["headers"]
        return Values((n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in pairs)

    async def body(self) -> bytes:
        """All of it. It can be read once."""
        pieces, more = [], True
        while more:
            message = await self._receive()
            pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(pieces)
