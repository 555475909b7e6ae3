"""Secrets kept out of what recon says, where it repeats what others said.

recon's own words hold no secret: manifests refer to them, and plans show ``***``. But it quotes
others: what answered a probe, what a program says of itself, the command of a stranger on a port,
an exception. So texts pass through here before they are kept or shown: events and faults on their
way into the journal, answers to probes, and everything on the controller's stdout and stderr.

What is masked: each line of every value that was known since the controller started, if it has
``LEAST`` characters, also as JSON, Python or a URL escape it; and what begins or ends as it does,
to 16 characters or half of it, since quotes are cut. A shorter value is a word like any other
(``dev``, ``3000``). So are values from dotenv files and the environment that are plainly something
else: a path, a host, a number, one word, unless the variable's name says that it is a secret.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

from reconciler.diff.lint.hardcoded_secrets import is_secret_name
from reconciler.logs.read.fingerprints import LENGTH, Fingerprints, of_pieces
from reconciler.model.spec.env import Credential, SecretFile
from reconciler.model.state.desired import Workload
from reconciler.model.words.mask import MASK

LEAST = LENGTH
_ENOUGH = 16
"""So many characters of a longer value are a piece of it, and no chance."""
_MOST = 1 << 16
"""Characters of one value that are looked for: beyond are bundles of certificates."""
_PLAIN = re.compile(
    r"[A-Za-z]+|[0-9 .,:/x+-]+"  # a word; a number, version, address
    r"|(?:[A-Za-z][A-Za-z0-9+.-]*://)?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]+)?(?:/[a-z0-9._-]*)*"
    r"|(?:~|\.{0,2}/)[A-Za-z0-9 ._/:@+-]*"  # a path, or several
)


class Redactor:
    """Masks in a text what is known to be secret. Values live in memory only."""

    def __init__(self) -> None:
        self._seen: dict[str, Mapping[str, str | bytes]] = {}
        self._key = int.from_bytes(os.urandom(4))
        self._prints: Fingerprints | None = None
        self._heads: dict[str, list[str]] = {}
        self._tails: dict[str, list[str]] = {}

    def learn(self, app: Workload) -> None:
        """Know the secrets of an app; earlier ones stay known, for what ran with them."""
        if not app.secrets or self._seen.get(app.name) is app.secrets:
            return
        self._seen[app.name] = app.secrets
        for name, value in app.secrets.items():
            is_file = isinstance(app.spec.env.get(name), SecretFile | Credential)
            for form in _forms(value, is_secret=is_file or is_secret_name(name)):
                self._add(form)

    def fingerprints(self) -> Fingerprints:
        """By which another process tells whether a text may hold a secret, knowing none; the same
        object until there is a new secret."""
        if self._prints is None:
            self._prints = of_pieces([*self._heads, *self._tails], self._key)
        return self._prints

    def __call__(self, text: str) -> str:
        """``text`` with a mask in the place of each secret, and of each piece of one."""
        if not self._heads or len(text) < LEAST:
            return text
        masked, end = "", 0
        for start, stop in sorted(self._spans(text)):
            if start > end or not masked:
                masked += text[end:start] + MASK
            end = max(end, stop)
        return masked + text[end:]

    def _add(self, form: str) -> None:
        self._prints = None
        heads = self._heads.setdefault(form[:LEAST], [])
        if form not in heads:
            heads.append(form)
            self._tails.setdefault(form[-LEAST:], []).append(form)

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Looked for by their first and last characters: the cost is that of the text's length."""
        heads, tails, last = self._heads, self._tails, len(text) - LEAST + 1
        seeds = [text[at : at + LEAST] for at in range(last)]
        for at in [n for n, seed in enumerate(seeds) if seed in heads or seed in tails]:
            seed = seeds[at]
            for form in self._heads.get(seed, ()):
                count = _common(text[at : at + len(form)], form)
                if count >= _needed(form):
                    yield at, at + count
            for form in self._tails.get(seed, ()):
                until = at + LEAST
                count = _common(text[max(0, until - len(form)) : until][::-1], form[::-1])
                if count >= _needed(form):
                    yield until - count, until


class Guarded:
    """A stream of text on which whole lines are redacted: the controller's stdout and stderr.

    Here, and not in the logger: tracebacks, warnings and what asyncio reports come this way, too.
    """

    def __init__(self, stream: TextIO, redact: Redactor) -> None:
        self._stream, self._redact = stream, redact
        self._rest = ""

    def write(self, text: str) -> int:
        whole, newline, rest = (self._rest + text).rpartition("\n")
        self._rest = rest
        if newline:
            self._stream.write(self._redact(whole) + newline)
        return len(text)

    def flush(self) -> None:
        rest, self._rest = self._rest, ""
        if rest:
            self._stream.write(self._redact(rest))
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard(redact: Redactor) -> None:
    """Redact what this process says from now on."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Guarded):
            setattr(sys, name, Guarded(stream, redact))


def _forms(value: str | bytes, *, is_secret: bool) -> Iterator[str]:
    """How each line of a value may stand in a text."""
    if isinstance(value, bytes):
        value = value[:_MOST].decode(errors="ignore")
    for line in value[:_MOST].splitlines():
        text = line.strip()
        if len(text) < LEAST or (not is_secret and _PLAIN.fullmatch(text)):
            continue
        coded = text.encode(errors="surrogateescape")
        quoted = (quote(coded), quote(coded, safe=""), quote_plus(coded))
        escaped = (json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text))
        yield from {text, *quoted, *(one[1:-1] for one in escaped), repr(coded)[2:-1]}


def _needed(form: str) -> int:
    """Characters that make a piece of it."""
    return max(LEAST, min(_ENOUGH, (len(form) + 1) // 2))


def _common(left: str, right: str) -> int:
    """Length of the common beginning."""
    for count, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return count
    return min(len(left), len(right))
