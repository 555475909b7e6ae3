"""The last lines that a program wrote, bounded, and made fit to be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

LINES, LENGTH = 200, 500
"""Lines that are looked at, and characters of each: beyond is not a message of an error."""
_NOISE = re.compile(
    r"\s+at .{0,300}\(?(?:node:|internal/)|Node\.js v\d|node:internal/|\s*[{}]$|[-=]{3}"
    r"|\s+throw (?:err;|new ERR_)|Traceback \(most recent"
)
_HEAD = re.compile(r"(?:Uncaught )?[A-Za-z.]{0,80}(?:Error|Exception|FATAL)\b[^(]{0,60}:")
"""The line of an error, which a stack follows (Node, Java) or comes before (Python)."""
_ESCAPE = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Output:
    """Lines in the order they were written, without newlines and without terminal colours."""

    lines: tuple[str, ...] = ()
    stream: str = "stderr"
    """``stdout`` where the program wrote nothing to stderr."""

    @classmethod
    def of(cls, lines: Iterable[str], stream: str = "stderr") -> Output:
        """The last of ``lines``, each cut to a length that is safe to search."""
        last = tuple(lines)[-LINES:]
        return cls(tuple(_ESCAPE.sub("", line[:LENGTH]) for line in last), stream)

    def find(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The match in the last line that has one."""
        found = (pattern.search(line) for line in reversed(self.lines))
        return next((match for match in found if match is not None), None)

    def has(self, *texts: str) -> bool:
        """Whether some line holds one of these texts."""
        return any(text in line for line in self.lines for text in texts)

    def excerpt(self, count: int) -> tuple[str, ...]:
        """The last ``count`` lines for people, without blank lines and Node's own stack frames.

        Where the error itself stands further up, as above a long stack, those from it on.
        """
        lines = [line for line in self.lines if line.strip() and not _NOISE.match(line)]
        heads = [index for index, line in enumerate(lines) if _HEAD.match(line)]
        first = min([len(lines) - count, *heads[-1:]]) if len(lines) > count else 0
        return tuple(printable(line) for line in lines[first : first + count])


def printable(text: str) -> str:
    """``text`` with a blank for each character that a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text).rstrip()
