"""Exactly one comment, and only that of the same user."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest

from reconciler.cli.review.forge import Comment, ForgeError, call, keep


class Memory:
    """A forge that is a list."""

    def __init__(self, *bodies: str) -> None:
        self.comments = dict(enumerate(bodies))
        self.calls: list[str] = []

    def own(self) -> list[Comment]:
        return [Comment(id, body) for id, body in self.comments.items()]

    def create(self, body: str) -> None:
        self.calls.append("create")
        self.comments[len(self.comments)] = body

    def update(self, id: int, body: str) -> None:
        self.calls.append("update")
        self.comments[id] = body

    def delete(self, id: int) -> None:
        self.calls.append("delete")
        del self.comments[id]


@pytest.mark.parametrize(
    ("before", "news", "word", "after"),
    [
        ([], True, "created", ["<m> 2"]),
        ([], False, "none", []),
        (["other", "<m> 1"], True, "updated", ["other", "<m> 2"]),
        (["<m> 1"], False, "updated", ["<m> 2"]),
        (["<m> 2\r\n"], True, "unchanged", ["<m> 2\r\n"]),
        (["<m> 1", "x <m>", "<m> 1"], True, "updated", ["<m> 2", "x <m>"]),
    ],
)
def test_one_comment_is_kept(before: list[str], news: bool, word: str, after: list[str]) -> None:
    forge = Memory(*before)
    assert keep(forge, "<m>", "<m> 2", is_news=news) == word
    assert [*forge.comments.values()] == after


class Answers(http.server.BaseHTTPRequestHandler):
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        code = {"/moved": 302, "/no": 403, "/down": 500}.get(self.path, 200)
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"not json" if code == 200 else b"why\n not")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    Answers.seen.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{made.server_port}", Answers.seen
        finally:
            made.shutdown()
            thread.join()


def test_the_token_follows_no_redirect(server: tuple[str, list[str]]) -> None:
    with pytest.raises(ForgeError, match="302"):
        call("GET", f"{server[0]}/moved", {"Authorization": "Bearer x"})
    assert server[1] == ["/moved"]


@pytest.mark.parametrize(
    ("path", "sentence", "refused"),
    [("/no", "403 why not", True), ("/down", "500", False), ("/", "not JSON", False)],
)
def test_what_went_wrong_is_a_sentence(
    server: tuple[str, list[str]], path: str, sentence: str, refused: bool
) -> None:
    with pytest.raises(ForgeError, match=sentence) as found:
        call("GET", server[0] + path, {})
    assert found.value.refused is refused


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x", "x", "http://127.0.0.1:1/"])
def test_what_is_no_api_is_a_sentence(url: str) -> None:
    with pytest.raises(ForgeError):
        call("GET", url, {})
