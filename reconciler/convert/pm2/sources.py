"""What the files of a Node program say, where the config does not: words, looked for in the text.

Only as evidence: nothing is executed, and no file is believed to be all there is. Bounded in files
and bytes, links are not followed, and what the program depends on (node_modules) is left out.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator

from reconciler.system.files.regular import read_head

_SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx", ".json")
_LEFT_OUT = {"node_modules", "coverage", "logs", "public", "static", "assets"}
_MOST_ENTRIES, _MOST_BYTES, _MOST_IN_ALL = 3000, 512 * 2**10, 16 * 2**20
_LISTENS = re.compile(rb"\.listen\s*\(|\bcreateServer\s*\(|\bBun\.serve\s*\(|\bDeno\.serve\s*\(")
_LISTENS_AT = re.compile(
    rb"""\.listen\s*\([^()'"`]{0,200}(?:\([^()]{0,100}\)[^()'"`]{0,100})?['"`]"""
    rb"""(127\.0\.0\.1|localhost|::1)['"`]"""
)


_LOADS = re.compile(
    rb"""(?:\brequire\s*\(\s*|\bimport\s*\(\s*|\bfrom\s*|\bimport\s*)['"`](\.{1,2}/[^'"`\n]{1,200})['"`]"""
)
_BY_NAME = re.compile(rb"\b(?:require|import)\s*\(\s*[^\s'\"`)]|\breaddir|\bglob\b")
_ENDS = ("", *_SUFFIXES, *(f"/index{suffix}" for suffix in _SUFFIXES))
_MOST_LOADED = 500


class Sources:
    """The text of a program: its script, and what lies below its directory."""

    def __init__(self, cwd: str, script: str) -> None:
        self._cwd = cwd
        self._script = os.path.join(cwd, script)

    @functools.cached_property
    def script(self) -> bytes:
        """The script alone; empty where there is none to be read."""
        return _head(self._script)

    @functools.cached_property
    def all(self) -> bytes:
        """What the script loads, one file after the other; empty where nothing can be read.

        All below the directory where that cannot be told: where the script is npm's, is not built
        yet, or loads files by names that it makes up.
        """
        found = _loaded(self._script)
        return found if found and not _BY_NAME.search(found) else found + _below(self._cwd)

    def mention(self, word: str) -> bool | None:
        """Whether a word is anywhere in them; None where nothing can be read."""
        return word.encode() in self.all if self.all.strip() else None

    @property
    def listen(self) -> bool:
        """Whether the script is a server."""
        return _LISTENS.search(self.script) is not None

    @property
    def address(self) -> str | None:
        """The loopback address that the script listens on by a literal."""
        found = _LISTENS_AT.search(self.script)
        return found[1].decode() if found else None


def _loaded(script: str) -> bytes:
    """A script, and what it and they load by a path of their own."""
    waiting, seen = [script], {script}
    texts: list[bytes] = []
    while waiting and len(texts) < _MOST_LOADED:
        path = waiting.pop()
        text = _head(path)
        if not text.strip():
            continue
        texts.append(text)
        for match in _LOADS.finditer(text):
            base = os.path.normpath(os.path.join(os.path.dirname(path), os.fsdecode(match[1])))
            stem = os.path.splitext(base)[0]  # TypeScript names what it will be: ./x.js is x.ts
            for end in (*(base + end for end in _ENDS), *(stem + end for end in _SUFFIXES)):
                if end not in seen and os.path.isfile(end):
                    seen.add(end)
                    waiting.append(end)
                    break
    return b"\n".join(texts)


@functools.lru_cache(maxsize=4)
def _below(folder: str) -> bytes:
    """The apps of one file share their folder, as a rule."""
    texts, size = [b""], 0
    for path in _files(folder):
        text = _head(path)
        size += len(text)
        if size > _MOST_IN_ALL:
            break
        texts.append(text)
    return b"\n".join(texts)


def _head(path: str) -> bytes:
    try:
        return read_head(path, _MOST_BYTES)
    except (OSError, ValueError):
        return b""


def _files(folder: str) -> Iterator[str]:
    """Breadth first: what is nearest is the program's own."""
    waiting, count = [folder], 0
    while waiting:
        try:
            with os.scandir(waiting.pop(0)) as entries:
                for entry in entries:
                    count += 1
                    if count > _MOST_ENTRIES:
                        return
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in _LEFT_OUT and not entry.name.startswith("."):
                            waiting.append(entry.path)
                    elif entry.name.endswith(_SUFFIXES) and "ecosystem" not in entry.name:
                        yield entry.path
        except (OSError, ValueError):
            continue
