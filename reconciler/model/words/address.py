"""Where a socket listens: an IP address and a port, or a path of the file system."""

from __future__ import annotations

from typing import NamedTuple

_ANY = {"0.0.0.0", "::"}


class Address(NamedTuple):
    """``host`` and ``port`` of TCP, or the absolute ``path`` of a unix socket."""

    host: str = ""
    """In its canonical form, as ``ipaddress`` writes it; empty for a unix socket."""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def place(self) -> str | int:
        """Two addresses can be in each other's way only where this is the same."""
        return self.path or self.port

    def overlaps(self, other: Address) -> bool:
        """Whether some connection could mean either of the two.

        ``::`` takes IPv4 as well, as on Linux it does by default.
        """
        if self.place != other.place:
            return False
        if self.path or self.host == other.host or "::" in (self.host, other.host):
            return True
        same_family = (":" in self.host) == (":" in other.host)
        return same_family and bool({self.host, other.host} & _ANY)
