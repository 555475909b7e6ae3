"""Reads manifests that may have changed, and believes none that may still be being written.

A file that changed is believed when it reads the same twice, ``wait`` apart. Content decides
whether it changed, never its date.
"""

from __future__ import annotations

import errno
import hashlib
import time
from typing import NamedTuple

from reconciler.desired.directory.last_read import OUTDATED, ManifestFile
from reconciler.desired.files import NEVER, Signature, is_made_up, read_regular, signature
from reconciler.desired.text.yaml import MAX_BYTES
from reconciler.model.state.desired import Problem
from reconciler.system.files.trust import Trust, UntrustedError
from reconciler.system.work import door
from reconciler.system.work.door import UnansweredError

SETTLE = 0.019
"""The ``wait`` of a controller. Its timers are whole milliseconds, rounded up: 20 ms in all."""
# So long has an env or secret file not been written that is taken for complete.
_AT_REST_NS = 300_000_000

Around = list[tuple[str, Signature | None]]
"""The env and secret files that a manifest refers to, as they are now."""


class Reading(NamedTuple):
    """What a file holds now, which is to be believed."""

    content: bytes
    digest: bytes
    signature: Signature | None
    is_known: bool = False
    """Nothing was wrong, and all that it is read from holds what it held: only the file is another,
    as in the next release behind a link."""


class Settling:
    """The files that changed, and have to read the same again."""

    def __init__(self, wait: float = 0.0) -> None:
        """``wait``: seconds from the first reading of a file to the one that is believed."""
        self._wait = wait
        self._half_read: dict[str, tuple[bytes, float]] = {}
        """What was read, and when first (the clock is time.monotonic's)."""

    def copy(self) -> Settling:
        """The same, to be changed."""
        fresh = Settling(self._wait)
        fresh._half_read = {**self._half_read}
        return fresh

    @property
    def due_at(self) -> float:
        """When the first of them may be believed (the clock is time.monotonic's)."""
        return min((at for _, at in self._half_read.values()), default=0.0) + self._wait

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(self._half_read)

    def forget(self, path: str) -> None:
        """There is no such file any more."""
        self._half_read.pop(path, None)

    def read(
        self, path: str, known: ManifestFile | None, trust: Trust, *, believe: bool
    ) -> Reading | Problem | None:
        """What a file holds now, or why it cannot be read; None where it has not changed, or is to
        be read again. ``believe``: at its first reading. UnansweredError."""
        began, seen = time.monotonic(), signature(path)
        around = [(file, signature(file)) for file, _ in known.dependencies] if known else []
        if known is not None and _still_holds(known, seen, around):
            return None
        content = _content(path, trust)
        if isinstance(content, Problem):
            return content
        digest = hashlib.blake2b(content, digest_size=16).digest()
        before = known.dependencies if known is not None else ()
        pairs = zip(around, before, strict=True)
        is_open = any(_is_being_written(now, earlier) for (_, now), (_, earlier) in pairs)
        new = known is None or known.digest != digest or _rewritten(known, around)
        reading = digest + repr(around).encode()
        earlier, at = self._half_read.get(path, (b"", began))
        is_same, is_early = earlier == reading, began - at < self._wait
        is_settled = believe or (is_same and not is_early)
        if (new and not is_settled) or is_open or seen != signature(path):
            self._half_read[path] = reading, at if is_same and is_early else began
            return None
        self._half_read.pop(path, None)
        is_known = not new and known is not None and _is_as_it_was(known, around)
        return Reading(content, digest, seen, is_known)


def _still_holds(known: ManifestFile, seen: Signature | None, around: Around) -> bool:
    """Nothing was wrong, and nothing that it was read from is another than it was."""
    return seen == known.signature and _is_as_it_was(known, around)


def _is_as_it_was(known: ManifestFile, around: Around) -> bool:
    """But for the file itself: of one that is too fresh for its stamps, the content decides."""
    is_valid = not known.problems and known.signature != OUTDATED
    return is_valid and around == list(known.dependencies)


def _is_being_written(now: Signature | None, before: Signature | None) -> bool:
    """Whether an env or secret file was written a moment ago, and not put in place as a whole:
    who truncates it, or writes it piece by piece, may not be done."""
    if now is None or not before or now == before or now[3:] != before[3:]:
        return False
    return abs(time.time_ns() - now[1]) < _AT_REST_NS


def _rewritten(known: ManifestFile, around: Around) -> bool:
    """An env or secret file is another than it was; one too fresh to tell may be."""
    return any(
        seen not in (now, NEVER)
        for (_, now), (_, seen) in zip(around, known.dependencies, strict=True)
    )


def _content(path: str, trust: Trust) -> bytes | Problem:
    try:
        if door.is_link(path) and is_made_up(path):
            message = "a link to a file of the kernel (as in /proc or /sys)"
            return Problem(path, 0, 0, "", message, remedy="remove it")
        return read_regular(path, MAX_BYTES, trust)
    except UnansweredError:
        raise
    except UntrustedError as error:
        return Problem(path, 0, 0, "", error.message, remedy=error.remedy)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        if error.errno == errno.EFBIG:
            message = f"{error.strerror} for a manifest (at most 4Mi)"
        return Problem(path, 0, 0, "", message)
