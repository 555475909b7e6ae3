"""One edit of one file: what it held, what it is to hold, and the difference as people read it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.desired.edits.masking import masked

_CONTEXT = 1
_RANGE = re.compile(r"@@ -([0-9]+)(,[0-9]+)? \+([0-9]+)(,[0-9]+)? @@")


@dataclass(frozen=True, slots=True)
class Edit:
    """``before`` and ``after`` are the whole content of ``file``."""

    file: str
    before: bytes
    after: bytes

    @property
    def line(self) -> int:
        """The first line that the edit changes, from 1."""
        return _same(_lines(self.before), _lines(self.after)) + 1

    def hunks(self, context: int = _CONTEXT) -> list[str]:
        """The lines of the unified diff, without the names of files; secrets are masked.

        ``context``: lines around each change.
        """
        old, new = _lines(self.before), _lines(self.after)
        head = max(0, _same(old, new) - context)
        tail = _same(old[::-1], new[::-1])
        tail = max(0, min(tail, len(old) - head, len(new) - head) - context)
        old, new = old[head : len(old) - tail], new[head : len(new) - tail]
        found = [*difflib.unified_diff(old, new, lineterm="", n=context)][2:]
        return [*_moved(found, head)]

    def diff(self) -> str:
        """The unified diff, as patch(1) reads it but for what is masked."""
        return "\n".join([f"--- {self.file}", f"+++ {self.file}", *self.hunks(), ""])


def _moved(hunks: Sequence[str], lines: int) -> Iterator[str]:
    """With the numbers of the whole file, of which so many lines were left out before."""
    for line in hunks:
        found = _RANGE.match(line)
        if found is None:
            yield line[:1] + masked(line[1:])
            continue
        old, new = (int(number) + lines for number in found.group(1, 3))
        yield f"@@ -{old}{found[2] or ''} +{new}{found[4] or ''} @@"


def _same(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines are the same at the beginning."""
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _lines(content: bytes) -> list[str]:
    return content.decode(errors="replace").splitlines()
