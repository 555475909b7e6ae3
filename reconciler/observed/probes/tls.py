"""TLS over a connection of asyncio, for the probes that ask for it.

By the buffers of ssl (``ssl.MemoryBIO``) and not by asyncio: that of the controller is without TLS
(``system/left_out.py``), which takes 4 MiB of memory. ssl is imported at the first HTTPS probe.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_BLOCK = 2**14


class TlsError(ValueError):
    """The other side does not speak TLS as it must: a sentence."""


class Tls:
    """One TLS session, as a client that trusts every server."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = _unverified().wrap_bio(
            self._incoming, self._outgoing, server_hostname=name or None
        )

    async def greet(self) -> None:
        """Agree on a key with the other side. TlsError, EOFError, OSError."""
        try:
            await self._do(self._session.do_handshake)
        except ssl.SSLEOFError:
            raise EOFError from None
        except ssl.SSLError as error:
            raise TlsError(f"no TLS: {error.reason or error}") from None

    async def write(self, data: bytes) -> None:
        """Send this. OSError."""
        await self._do(lambda: self._session.write(data))

    async def read(self, most: int) -> bytes:
        """Up to ``most`` bytes that came; empty where no more will come. OSError."""
        try:
            return await self._do(lambda: self._session.read(most))
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return b""

    async def _do(self, call: Callable[[], T]) -> T:
        """Call until there is nothing that it must read or write first."""
        while True:
            try:
                return call()
            except ssl.SSLWantReadError:
                pass
            finally:
                self._writer.write(self._outgoing.read())
            data = await self._reader.read(_BLOCK)
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()


@functools.cache
def _unverified() -> ssl.SSLContext:
    """A probe asks whether the program answers, not who it is (Kubernetes: httpGet, HTTPS)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
