"""What a forge's API has to do: list comments, write one, change one, remove one."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, NamedTuple, Protocol

_SECONDS = 30
_MOST_BYTES = 32 * 2**20


class Comment(NamedTuple):
    """A comment that this token's user wrote."""

    id: int
    body: str


class ForgeError(Exception):
    """A sentence. ``refused``: the token may not write, as for a pull request from a fork."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class Forge(Protocol):
    """The comments of one pull request or merge request."""

    def own(self) -> list[Comment]:
        """Those of this token's user, the oldest first."""

    def create(self, body: str) -> None: ...

    def update(self, id: int, body: str) -> None: ...

    def delete(self, id: int) -> None: ...


def keep(forge: Forge, marker: str, body: str, *, is_news: bool) -> str:
    """Have exactly one comment with this marker; what was done, a word.

    Only a comment that the same user wrote counts: another person may have copied the marker.
    ``is_news``: false for a plan without changes, which is no reason to begin a comment.
    """
    found = [one for one in forge.own() if one.body.startswith(marker)]
    if not found:
        if not is_news:
            return "none"
        forge.create(body)
        return "created"
    first, *more = found
    for one in more:  # two jobs that ran at the same time
        forge.delete(one.id)
    if _lines(first.body) == _lines(body):
        return "unchanged"
    forge.update(first.id, body)
    return "updated"


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: it would carry the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def call(method: str, url: str, headers: dict[str, str], data: Any = None) -> Any:
    """The JSON that an API answers; None for an empty answer. Raises ForgeError."""
    if not url.startswith(("https://", "http://")):
        raise ForgeError(f"{url} is not the address of an API")
    request = urllib.request.Request(
        url,
        method=method,
        data=None if data is None else json.dumps(data).encode(),
        headers={**headers, "Content-Type": "application/json", "User-Agent": "recon-review"},
    )
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=_SECONDS) as answer:
            text = answer.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            why = error.read(300).decode("utf-8", "replace")
        message = f"{method} {url}: {error.code} {' '.join(why.split())}"
        raise ForgeError(message, refused=error.code in (401, 403, 404)) from None
    except OSError as error:
        raise ForgeError(f"{method} {url}: {error}") from None
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        raise ForgeError(f"{method} {url}: the answer is not JSON") from None
