"""Forges of the tests' own, on this host: as much of two APIs as the review needs, by real HTTP."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "token-of-the-test"
OWN, OTHER = "github-actions", "mallory"


class Forge(http.server.ThreadingHTTPServer):
    """The comments of pull request 7, whichever forge it is."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: dict[int, tuple[str, str]] = {}
        """Author and text, by id."""
        self.calls: list[str] = []
        self.refuses = False
        """It lets nothing be written, as for a pull request from a fork."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, author: str, text: str) -> int:
        number = len(self.comments) + 100
        self.comments[number] = (author, text)
        return number

    def of(self, author: str) -> list[str]:
        return [text for one, text in self.comments.values() if one == author]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Forge

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        data = json.loads(self.rfile.read(length) or b"{}")
        url = urlsplit(self.path)
        self.server.calls.append(f"{self.command} {url.path}")
        given = (self.headers.get("Authorization"), self.headers.get("PRIVATE-TOKEN"))
        if f"Bearer {TOKEN}" not in given and TOKEN not in given:
            return self._send(401, {"message": "Bad credentials"})
        if url.path == "/graphql":
            return self._send(200, self._graphql(data["variables"]))
        if url.path == "/api/v4/user":
            return self._send(200, {"id": OWN})
        if self.command == "GET":
            return self._send(200, self._notes(parse_qs(url.query)))
        if self.server.refuses:
            return self._send(403, {"message": "Resource not accessible by integration"})
        return self._write(url.path.rsplit("/", 1)[1], data)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer

    def _write(self, last: str, data: dict[str, str]) -> None:
        comments = self.server.comments
        if self.command == "POST":
            if len(data["body"]) > 65_536:
                return self._send(422, {"message": "body is too long"})
            return self._send(201, {"id": self.server.add(OWN, data["body"])})
        if self.command == "DELETE":
            del comments[int(last)]
            return self._send(204, None)
        if comments[int(last)][0] != OWN:
            return self._send(403, {"message": "not yours"})
        comments[int(last)] = (OWN, data["body"])
        return self._send(200, {"id": int(last)})

    def _graphql(self, variables: dict[str, Any]) -> Any:
        assert (variables["owner"], variables["name"], variables["number"]) == ("acme", "crm", 7)
        begin = int(variables["after"] or 0)
        page = [*self.server.comments.items()][begin : begin + 100]
        nodes = [
            {"databaseId": id, "body": text, "viewerDidAuthor": author == OWN}
            for id, (author, text) in page
        ]
        more = begin + 100 < len(self.server.comments)
        info = {"hasNextPage": more, "endCursor": str(begin + 100)}
        comments = {"nodes": nodes, "pageInfo": info}
        return {"data": {"repository": {"pullRequest": {"comments": comments}}}}

    def _notes(self, query: dict[str, list[str]]) -> Any:
        size, number = int(query["per_page"][0]), int(query["page"][0])
        page = [*self.server.comments.items()][size * (number - 1) : size * number]
        return [{"id": id, "body": text, "author": {"id": author}} for id, (author, text) in page]

    def _send(self, code: int, data: Any) -> None:
        content = b"" if data is None else json.dumps(data).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def forge() -> Iterator[Forge]:
    """A forge that answers until the end of the block."""
    with Forge() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()
