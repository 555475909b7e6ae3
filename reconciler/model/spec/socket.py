"""Listening sockets that instances share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from reconciler.model.spec.base import Manifest
from reconciler.model.words.address import Address
from reconciler.model.words.sentence import InvalidValue
from reconciler.model.words.values import Account, Host, Mode, Name, Port


class Socket(Manifest):
    """A listening socket that recon binds, keeps open, and hands to every instance."""

    name: Name = Field(description="name that the program gets (LISTEN_FDNAMES)")
    port: Port | None = Field(None, description="of TCP")
    host: Host = Field("127.0.0.1", description="IP address; 0.0.0.0 or :: for all")
    path: str | None = Field(None, description="path of a unix socket, instead of a port")
    mode: Mode = Field("660", description="mode of a unix socket's file, octal")
    owner: Account | None = Field(None, description="user that owns a unix socket's file")
    group: Account | None = Field(None, description="group that owns a unix socket's file")

    @model_validator(mode="after")
    def _one_kind(self) -> Socket:
        if (self.port is None) == (self.path is None):
            raise ValueError("a socket needs exactly one of port and path")
        strange = {"mode", "owner", "group"} if self.path is None else {"host"}
        for name in sorted(strange & self.model_fields_set):
            kind = "a unix socket (path)" if self.path is None else "a port"
            raise InvalidValue(f"{name} is only for {kind}", "remove it")
        return self

    @property
    def address(self) -> Address:
        """Where it listens; of a spec whose paths are absolute."""
        return Address(path=self.path) if self.path else Address(self.host, self.port or 0)


def _sockets(value: tuple[Socket, ...]) -> tuple[Socket, ...]:
    for index, socket in enumerate(value):
        for earlier in value[:index]:
            if earlier.name == socket.name:
                raise InvalidValue(f"two sockets are named {socket.name}", "rename one")
            if earlier.address.overlaps(socket.address):
                both = f"{earlier.name} and {socket.name}"
                raise InvalidValue(f"{both} both listen on {socket.address}", "remove one")
    return value


Sockets = Annotated[tuple[Socket, ...], AfterValidator(_sockets)]
