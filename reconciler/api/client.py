"""A client of the controller's HTTP on its unix socket, small because `recon status` is timed.

Why not ``http.client``: it imports the e-mail parser, a third of what `recon status` may take in
all; h11 takes 15 ms, httpx more. What the controller speaks is little: one request a connection,
an answer with Content-Length or in chunks, JSON or one JSON document a line. ``json`` and
``_socket`` do, the part of ``socket`` that is written in C: the other part makes enumerations of
all constants, for a tenth of `recon status`.

Guarantees: every failure is a ``ClientError``, whose text is a sentence for people; no call waits
longer than its timeout without hearing from the controller.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from _socket import AF_UNIX, SOCK_STREAM, socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from reconciler.api.errors import (
    ApiError,
    ClientError,
    ControllerLeftError,
    ControllerNotRunningError,
)

# Seconds. A controller that is stopped (SIGSTOP) accepts and never answers.
_TIMEOUT = 15.0
# A request that reads all manifests again, of which there may be 10,000.
_LONG = 120.0
# A try to send a notification, which may take ten minutes (timeoutSeconds).
_TEST = 640.0
_QUEUED = 0.01
_BLOCK = 2**16
_STREAM = "text/event-stream"
LINES = "application/x-ndjson"
"""The form of `/metrics` that is numbers and no text."""
# `sun_path` of unix(7), less the final NUL.
_LONGEST_NAME = 107


class Client:
    """The controller behind one socket. Every call opens a connection of its own."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        shared: Callable[[], str | os.PathLike[str]] | None = None,
    ) -> None:
        """``shared``: the socket to use if this user may not reach the first one."""
        self._path = os.fspath(path)
        self._shared = shared

    def version(self) -> dict[str, Any]:
        """``{"version", "pid", "manifests", "stateDir", "profile"}``."""
        return self._ask("GET", "/v1/version")

    def host(self) -> dict[str, Any]:
        """What the host lets the controller do: ``model.host.facts.to_document``."""
        facts: dict[str, Any] = self._ask("GET", "/v1/host")["facts"]
        return facts

    def journal(self) -> dict[str, Any]:
        """``{"state", "message"}``: how the controller's journal is."""
        return self._ask("GET", "/v1/journal")

    def output(self) -> dict[str, Any]:
        """What keeps output while no controller runs: the fields of ``model.host.held``."""
        return self._ask("GET", "/v1/output")

    def status(self, explained: Iterable[str] = ()) -> dict[str, Any]:
        """The status document (design.md#cli), all apps; of the ``explained`` also the causes."""
        query = "&".join(f"explain={_quoted(app)}" for app in explained)
        return self._ask("GET", f"/v1/status?{query}" if query else "/v1/status")

    def describe(self, app: str) -> dict[str, Any]:
        """Everything known of one app; ApiError with status 404 where there is none."""
        return self._ask("GET", f"/v1/describe/{_quoted(app)}")

    def plan(self, apps: Iterable[str] = ()) -> dict[str, Any]:
        """What would change (of these apps): the document of `recon apply --dry-run -o json`."""
        return self._ask("GET", f"/v1/plan{_apps(apps)}")

    def usage(self, apps: Iterable[str] = ()) -> dict[str, Any]:
        """What the instances (of these apps) use: the document of `recon top`."""
        return self._ask("GET", f"/v1/usage{_apps(apps)}")

    def metrics(self, timeout: float = _TIMEOUT) -> list[bytes]:
        """The numbers behind the metrics, as lines (``api.metrics``)."""
        with self._send("GET", "/metrics", None, timeout, accept=LINES) as answer:
            return [*answer.lines()]

    def events(
        self,
        apps: Iterable[str] = (),
        *,
        limit: int = 100,
        follow: bool = False,
        reasons: Iterable[str] = (),
        **more: str | None,
    ) -> Iterator[dict[str, Any]]:
        """The last ``limit`` events, oldest first; with ``follow`` those to come, too, until the
        controller lets a slow reader go. ``more``: ``type``, ``since``, ``audit``, ``after``.

        ControllerLeftError when the controller leaves while it is followed.
        """
        query = [("limit", str(limit)), *(("app", app) for app in apps)]
        query += [*(("reason", reason) for reason in reasons)]
        query += [(name, value) for name, value in more.items() if value is not None]
        query += [("follow", "1")] if follow else []  # for a controller that knows no streams
        path = "/v1/events?" + "&".join(f"{name}={_quoted(value)}" for name, value in query)
        accept, timeout = (_STREAM, None) if follow else ("*/*", _TIMEOUT)
        with self._send("GET", path, None, timeout, accept=accept) as answer:
            for line in answer.lines():
                document = line.removeprefix(b"data: ")
                if document.startswith(b"{"):  # else another field of the stream
                    yield json.loads(document)

    def logs(
        self,
        app: str,
        *,
        instance: int | str | None = None,
        stream: str | None = None,
        lines: int = 100,
        since: float | str | None = None,
        until: float | str | None = None,
        search: str | None = None,
        before: str | None = None,
        after: str | None = None,
        follow: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """The last ``lines`` lines of an app, oldest first; with ``follow`` those to come, too.

        ``stream``: ``stdout`` or ``stderr``. ``since`` and ``until`` are ISO times or seconds since
        1970. ``search``: only lines that hold this text, in whatever case. ``before`` and ``after``
        are the ``position`` of a line. ControllerLeftError when the controller leaves meanwhile.
        """
        query: list[tuple[str, Any]] = [("lines", lines), ("instance", instance)]
        query += [("stream", stream), ("since", since), ("until", until), ("search", search)]
        query += [("before", before), ("after", after), ("follow", 1 if follow else None)]
        pairs = (f"{name}={_quoted(str(value))}" for name, value in query if value is not None)
        path = f"/v1/logs/{_quoted(app)}?{'&'.join(pairs)}"
        with self._send("GET", path, None, None if follow else _TIMEOUT) as answer:
            for line in answer.lines():
                yield json.loads(line)

    def apply(self) -> list[str]:
        """Have the manifests read again now; what is wrong with them, as sentences."""
        answer = self._ask("POST", "/v1/apply", None, _LONG)
        return [str(problem) for problem in answer["problems"]]

    def act(
        self, action: str, app: str | None = None, *, dry_run: bool = False, **parameters: Any
    ) -> dict[str, Any]:
        """Have the controller do something (of an app): ``restart``, ``suspend``, ``resume``,
        ``scale`` (``instances``), ``undo`` (``revision``), ``pause``, ``unpause``, ``run-job``,
        ``confirm-prune``, ``confirm-load``.

        The answer says what was done, with the edits of manifests; ``dry_run``: only what would
        be. ApiError with status 404 where there is no such app, 409 where it cannot be done now,
        507 where its file cannot be written by the controller.
        """
        place = "" if app is None else f"apps/{_quoted(app)}/"
        body = {"dryRun": dry_run, **parameters}
        return self._ask("POST", f"/v1/{place}{action}", body, _LONG)

    def runs(self, job: str) -> list[dict[str, Any]]:
        """The runs of a Job, or the builds of an app (``APP:build``), oldest first."""
        return list(self._ask("GET", f"/v1/runs/{_quoted(job)}")["runs"])

    def notifications(self) -> dict[str, Any]:
        """The targets of notifications, and how sending to each goes."""
        return self._ask("GET", "/v1/notifications")

    def test_notifications(self, targets: Iterable[str] = ()) -> list[dict[str, Any]]:
        """Have a test message sent to these targets, or to all: ``{"target", "error"}`` of each.

        ApiError with status 404 where there is no such target.
        """
        body = {"targets": [*targets]}
        return list(self._ask("POST", "/v1/notifications/test", body, _TEST)["results"])

    def down(self) -> None:
        """Have everything stopped; the controller leaves, with its socket, when all is."""
        self._ask("POST", "/v1/down")

    def _ask(
        self, method: str, path: str, body: Any = None, timeout: float = _TIMEOUT
    ) -> dict[str, Any]:
        with self._send(method, path, body, timeout) as answer:
            document = answer.json()
        if not isinstance(document, dict):
            raise ApiError("the controller's answer is not a JSON object")
        return document

    @contextlib.contextmanager
    def _send(
        self, method: str, path: str, body: Any, timeout: float | None, *, accept: str = "*/*"
    ) -> Iterator[_Answer]:
        """Send one request; the answer, with its head read, is valid only within the ``with``."""
        with contextlib.closing(self._connect(timeout)) as connection, _sentences(timeout):
            with contextlib.suppress(BrokenPipeError):  # it was answered unread
                connection.sendall(_request(method, path, body, accept))
            answer = _Answer(connection)
            if answer.status >= 300:
                raise ApiError(_reason(answer), answer.status)
            yield answer

    def _connect(self, timeout: float | None) -> socket:
        try:
            return _connect(self._path, timeout)
        except ClientError:
            # Another user's: what he shares is for the members of a group. Or the state directory
            # cannot be written, and the controller listens there instead.
            shared = os.fspath(self._shared()) if self._shared is not None else None
            if shared is None or not os.path.exists(shared):
                raise
        return _connect(shared, timeout)


class _Answer:
    """The answer to one request, read as it comes. ValueError where it is not HTTP."""

    def __init__(self, connection: socket) -> None:
        self._connection = connection
        self._buffer = b""
        self.status, self._headers = self._head()

    def json(self) -> Any:
        """The whole body as one JSON document."""
        return json.loads(b"".join(self._body()))

    def lines(self) -> Iterator[bytes]:
        """The lines of the body, each as soon as it is complete."""
        rest = b""
        for block in self._body():
            *lines, rest = (rest + block).split(b"\n")
            yield from (line for line in lines if line.strip())
        if rest.strip():
            yield rest

    def _head(self) -> tuple[int, Mapping[str, str]]:
        start = self._line()
        version, _, rest = start.partition(b" ")
        if not version.startswith(b"HTTP/1."):
            raise ValueError(f"no HTTP answer: {start[:40]!r}")
        headers = {}
        while line := self._line():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip().lower()
        return int(rest[:3]), headers

    def _body(self) -> Iterator[bytes]:
        if "chunked" in self._headers.get("transfer-encoding", ""):
            yield from self._chunks()
        elif "content-length" in self._headers:
            yield from self._exactly(int(self._headers["content-length"]))
        else:
            yield self._buffer
            while block := self._connection.recv(_BLOCK):
                yield block

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._line().partition(b";")[0], 16):
            yield from self._exactly(size)
            self._line()

    def _exactly(self, count: int) -> Iterator[bytes]:
        while count > 0:
            if not self._buffer:
                self._fill()
            block, self._buffer = self._buffer[:count], self._buffer[count:]
            count -= len(block)
            yield block

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            self._fill()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def _fill(self) -> None:
        block = self._connection.recv(_BLOCK)
        if not block:
            raise ConnectionResetError
        self._buffer += block


def _connect(path: str, timeout: float | None) -> socket:
    connection = socket(AF_UNIX, SOCK_STREAM)
    connection.settimeout(_TIMEOUT if timeout is None else timeout)
    until = time.monotonic() + (_TIMEOUT if timeout is None else timeout)
    try:
        while True:
            try:
                _connect_by_name(connection, path)
                break
            except BlockingIOError:  # so many connect that its queue is full: unix(7), EAGAIN
                if time.monotonic() > until:
                    raise
                time.sleep(_QUEUED)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
        connection.close()
        raise ControllerNotRunningError(f"no controller is running on {path}") from error
    except OSError as error:
        connection.close()
        hint = " (does it run as another user?)" if isinstance(error, PermissionError) else ""
        reason = error.strerror or "no answer"
        raise ApiError(f"the controller's socket {path}: {reason}{hint}") from error
    connection.settimeout(timeout)
    return connection


def _connect_by_name(connection: socket, path: str) -> None:
    """Also where the path is longer than a unix socket's name may be: by way of its directory."""
    if len(os.fsencode(path)) <= _LONGEST_NAME:
        connection.connect(path)
        return
    directory = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection.connect(f"/proc/self/fd/{directory}/{os.path.basename(path)}")
    finally:
        os.close(directory)


def _request(method: str, path: str, body: Any, accept: str) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: recon\r\nConnection: close\r\nAccept: {accept}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode("ascii") + content


@contextlib.contextmanager
def _sentences(timeout: float | None) -> Iterator[None]:
    """What may go wrong on the way, as sentences."""
    try:
        yield
    except TimeoutError as error:
        raise ApiError(f"the controller did not answer within {timeout:g} s") from error
    except ConnectionError as error:
        raise ControllerLeftError("the controller ended before it answered") from error
    except ValueError as error:
        raise ApiError(
            f"the process that listens on this socket is not a recon controller: {error}"
        ) from error


def _reason(answer: _Answer) -> str:
    """What the controller says against a request."""
    try:
        document = answer.json()
        return str(document["error"])
    except (ValueError, KeyError, TypeError):
        return f"the controller answered with HTTP status {answer.status}"


def _apps(apps: Iterable[str]) -> str:
    """The query for these apps; empty for all."""
    query = "&".join(f"app={_quoted(app)}" for app in apps)
    return f"?{query}" if query else ""


def _quoted(text: str) -> str:
    """Percent-encoded for one segment of a path or one value of a query (RFC 3986)."""
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    return "".join(
        chr(byte) if byte in plain else f"%{byte:02X}" for byte in text.encode(errors="replace")
    )
