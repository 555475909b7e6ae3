"""A server that answers what a real cluster answered (Kubernetes 1.20.2, recorded on 2026-12-01;
without managedFields). The same question again gets the answer that the cluster gave again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

FOLDER = Path(__file__).parent / "recorded"
CONFIG = """apiVersion: v1
kind: Config
current-context: played
clusters: [{name: played, cluster: {server: "http://127.0.0.1:PORT"}}]
users: [{name: nobody, user: {token: plainly-fake}}]
contexts: [{name: played, context: {cluster: played, user: nobody, namespace: default}}]
"""


class Played(ThreadingHTTPServer):
    """``asked``: the questions in their order, with what was sent."""

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, Any]] = []
        self._lock = Lock()
        self._answers: dict[str, list[tuple[int, Any]]] = defaultdict(list)
        for question, status, body in json.loads((FOLDER / f"{name}.json").read_text()):
            self._answers[question].append((status, body))

    def answer(self, question: str, sent: Any) -> tuple[int, Any]:
        with self._lock:
            self.asked.append((question, sent))
            left = self._answers[question]
            if not left:
                return 501, {"kind": "Status", "message": f"not recorded: {question}", "code": 501}
            return left.pop(0) if len(left) > 1 else left[0]

    @property
    def changes(self) -> list[str]:
        """The questions that change the cluster."""
        return [q for q, _ in self.asked if not q.startswith("GET") and "dryRun=All" not in q]


class _Handler(BaseHTTPRequestHandler):
    server: Played

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        sent = json.loads(self.rfile.read(size)) if size else None
        status, body = self.server.answer(f"{self.command} {self.path}", sent)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PATCH = do_DELETE = _answer

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def played(name: str, config: Path) -> Iterator[Played]:
    """The server of one recording, and a kubeconfig that leads to it."""
    with Played(name) as server:
        config.write_text(CONFIG.replace("PORT", str(server.server_port)))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
