"""A client of Nomad's HTTP API.

Guarantees: each failure is an EngineError whose text is a sentence; no call waits longer than its
time, or keeps more of an answer than its size; a token goes to the address that was given, and
follows no redirect. Answers are bytes here: ``answers`` reads them.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from reconciler.model.words.printable import plain
from reconciler.targets.engine import EngineError
from reconciler.targets.nomad.address import Settings

_CONNECT, _SILENCE, _WHOLE = 10.0, 30.0, 120.0
"""Seconds: to connect, between two parts of an answer, for all of it."""
_MOST = 64 * 2**20
"""Bytes of an answer: some 10,000 allocations."""
_BLOCK = 2**16
_SHOWN = 300
"""Characters of an error's text that are shown."""
_PROXIES = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}

Query = Mapping[str, str | int | bool]


class Limits(NamedTuple):
    """Of one call: seconds and bytes."""

    connect: float = _CONNECT
    silence: float = _SILENCE
    whole: float = _WHOLE
    size: int = _MOST


class RefusedError(EngineError):
    """The server refused a request."""

    def __init__(self, message: str, status: int, text: str) -> None:
        """``text``: what the server says."""
        super().__init__(message)
        self.status, self.text = status, text


class Client:
    """One server. A thread that uses it has a connection of its own, which is kept."""

    def __init__(self, settings: Settings, limits: Limits | None = None) -> None:
        self._settings = settings
        self._limits = limits or Limits()
        self._kept = threading.local()
        self._tls: ssl.SSLContext | None = None

    @property
    def address(self) -> str:
        return str(self._settings)

    def get(self, path: str, query: Query | None = None) -> bytes:
        return self._whole("GET", path, query, None)

    def find(self, path: str, query: Query | None = None) -> bytes | None:
        """As ``get``; None where there is nothing of that name."""
        try:
            return self.get(path, query)
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def post(self, path: str, document: Any, query: Query | None = None) -> bytes:
        return self._whole("POST", path, query, document)

    def put(self, path: str, document: Any, query: Query | None = None) -> bytes:
        return self._whole("PUT", path, query, document)

    def delete(self, path: str, query: Query | None = None) -> bytes:
        return self._whole("DELETE", path, query, None)

    def stream(self, path: str, query: Query | None = None) -> Iterator[bytes]:
        """The parts of an answer that need not end; the server has to send one now and then."""
        connection = self._connect()
        try:
            answer = self._send(connection, "GET", path, query, None)
            self._check(answer)
            while part := self._read(answer):
                yield part
        except _Closed as error:
            raise self._unreachable(error.__cause__ or error) from None
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connection of this thread."""
        kept = getattr(self._kept, "http", None)
        if kept is not None:
            kept.close()
            self._kept.http = None

    def _whole(self, method: str, path: str, query: Query | None, document: Any) -> bytes:
        """The body of an answer. A question is put again where a kept connection was closed."""
        kept = getattr(self._kept, "http", None)
        if kept is not None and method == "GET":
            try:
                return self._answered(kept, method, path, query, document)
            except _Closed:
                pass
        self.close()
        connection = self._kept.http = self._connect()
        try:
            return self._answered(connection, method, path, query, document)
        except _Closed as error:
            raise self._unreachable(error.__cause__ or error) from None

    def _answered(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        query: Query | None,
        document: Any,
    ) -> bytes:
        is_read = False
        try:
            answer = self._send(connection, method, path, query, document)
            self._check(answer)
            body = self._body(answer)
            is_read = True
        finally:
            if not is_read:
                self.close()
        return body

    def _body(self, answer: http.client.HTTPResponse) -> bytes:
        until = time.monotonic() + self._limits.whole
        found = bytearray()
        while part := self._read(answer):
            found += part
            if len(found) > self._limits.size:
                text = f"an answer has more than {self._limits.size // 2**20} MiB"
                raise self._strange(text, "name fewer apps")
            if time.monotonic() > until:
                text = f"an answer did not end within {self._limits.whole:g} s"
                raise EngineError(f"Nomad at {self.address} is too slow: {text}; try again")
        answer.close()  # read1 leaves it open, and then the connection takes no further request
        return bytes(found)

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        try:
            return answer.read1(_BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from None

    def _connect(self) -> http.client.HTTPConnection:
        own, wait = self._settings, self._limits.connect
        connection: http.client.HTTPConnection
        if own.scheme == "unix":
            connection = _UnixConnection(own.path, wait)
        elif own.scheme == "https":
            connection = _TLSConnection(own.host, own.port, wait, self._context(), own.server_name)
        else:
            connection = http.client.HTTPConnection(own.host, own.port, timeout=wait)
        try:
            connection.connect()
        except (OSError, ValueError) as error:
            raise self._unreachable(error) from None
        connection.sock.settimeout(self._limits.silence)
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            own = self._settings
            try:
                made = ssl.create_default_context(
                    cafile=own.ca_file or None, capath=own.ca_folder or None
                )
                if own.certificate:
                    made.load_cert_chain(own.certificate, own.key or None)
            except (OSError, ValueError) as error:
                names = "NOMAD_CACERT, NOMAD_CAPATH, NOMAD_CLIENT_CERT and NOMAD_CLIENT_KEY"
                text = f"the certificates for Nomad cannot be read: {_cause(error)}; check {names}"
                raise EngineError(text) from None
            if not own.is_verified:
                made.check_hostname = False
                made.verify_mode = ssl.CERT_NONE
            self._tls = made
        return self._tls

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        query: Query | None,
        document: Any,
    ) -> http.client.HTTPResponse:
        """The head of the answer. _Closed where the server had closed the connection."""
        body = None if document is None else json.dumps(document).encode()
        try:
            connection.request(method, self._target(path, query), body, self._headers(body))
            return connection.getresponse()
        except (ConnectionError, http.client.RemoteDisconnected) as error:
            raise _Closed from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from None

    def _target(self, path: str, query: Query | None) -> str:
        own = self._settings
        pairs: dict[str, str] = {}
        for name, value in (query or {}).items():
            pairs[name] = str(value).lower() if isinstance(value, bool) else str(value)
        pairs |= {"namespace": own.namespace} if own.namespace else {}
        pairs |= {"region": own.region} if own.region else {}
        before = "" if own.scheme == "unix" else own.path
        return f"{before}{path}" + (f"?{urlencode(pairs)}" if pairs else "")

    def _headers(self, body: bytes | None) -> dict[str, str]:
        own = self._settings
        found = {"Accept": "application/json"}
        found |= {"Content-Type": "application/json"} if body is not None else {}
        found |= {"X-Nomad-Token": own.token} if own.token else {}
        if own.auth:
            coded = base64.b64encode(own.auth.encode()).decode()
            found["Authorization"] = f"Basic {coded}"
        return found

    def _check(self, answer: http.client.HTTPResponse) -> None:
        """EngineError unless it is what was asked for."""
        if answer.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            if (answer.headers.get_content_type() or "") == "text/html":
                raise self._strange("an HTML page came instead of JSON", "check the address")
            return
        if 300 <= answer.status < 400:
            place = plain(answer.headers.get("Location", "another address"))[:_SHOWN]
            text = f"Nomad at {self.address} redirects to {place}; give the address that is meant"
            raise EngineError(text)
        text = self._text_of(answer)
        shown = f": {text}" if text else f": {answer.status} {plain(answer.reason)[:80]}"
        if answer.status in (HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED):
            remedy = "set NOMAD_TOKEN to a token whose policy allows it"
            message = f"Nomad at {self.address} denies access{shown}; {remedy}"
        elif answer.status in _PROXIES:
            message = f"Nomad at {self.address} is unavailable{shown}; try again later"
        else:
            message = f"Nomad at {self.address} refused the request{shown}"
        raise RefusedError(message, answer.status, text)

    def _text_of(self, answer: http.client.HTTPResponse) -> str:
        """What an error says, on one line; nothing of a page."""
        if answer.headers.get_content_type() == "text/html":
            return "an HTML page, as a proxy writes"
        try:
            text = answer.read(_BLOCK).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return ""
        words = " ".join(plain(text).split())
        return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"

    def _strange(self, message: str, remedy: str) -> EngineError:
        return EngineError(
            f"what answers at {self.address} is no API of Nomad: {message}; {remedy}"
        )

    def _unreachable(self, error: BaseException) -> EngineError:
        remedy = "start it, or give its address: --target nomad:ADDRESS or NOMAD_ADDR"
        return EngineError(f"Nomad at {self.address} cannot be reached: {_cause(error)}; {remedy}")


def quoted(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


class _Closed(Exception):
    """The server closed a connection before it answered."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._path)
        except BaseException:
            self.sock.close()
            raise


class _TLSConnection(http.client.HTTPConnection):
    """HTTPS; the certificate may be of another name than the host's (NOMAD_TLS_SERVER_NAME)."""

    def __init__(
        self, host: str, port: int, timeout: float, context: ssl.SSLContext, server_name: str
    ) -> None:
        super().__init__(host, port, timeout=timeout)
        self._context = context
        self._server_name = server_name

    def connect(self) -> None:
        super().connect()
        name = self._server_name or self.host
        self.sock = self._context.wrap_socket(self.sock, server_hostname=name)


def _cause(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({plain(error.verify_message)})"
    if isinstance(error, http.client.HTTPException):
        return f"its answer is not HTTP ({type(error).__name__})"
    text = error.strerror if isinstance(error, OSError) else ""
    return plain(text or str(error)) or type(error).__name__
