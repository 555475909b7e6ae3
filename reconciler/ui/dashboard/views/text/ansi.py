"""A line of a program as HTML: its colours as classes, all else that a terminal would obey dropped.

ECMA-48: of the control sequences only SGR has to do with looks. A class, not a style: the policy of
the page allows no inline style.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

from reconciler.model.words.printable import CONTROLS

_SEQUENCE = re.compile(
    r"\x1b\[([0-9;:]{0,60})m"  # SGR
    r"|\x1b\[[0-?]{0,60}[ -/]{0,8}[@-~]"  # another CSI
    r"|\x1b[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?"  # OSC, DCS, SOS, PM, APC with their string
    r"|\x1b[ -/]{0,8}[0-~]?"
    r"|\x9b[0-?]{0,60}[ -/]{0,8}[@-~]"
)
_TAB = {**CONTROLS, 9: "\t"}
_LONGEST = 8192
"""Characters of a line that are shown."""
_FLAGS = {1: "bold", 2: "faint", 3: "italic", 4: "line", 7: "turned", 9: "struck"}
_OFF = {22: ("bold", "faint"), 23: ("italic",), 24: ("line",), 27: ("turned",), 29: ("struck",)}
_LEVELS = (0, 95, 135, 175, 215, 255)
_BASIC = (
    *((0, 0, 0), (205, 49, 49), (13, 188, 121), (229, 229, 16)),
    *((36, 114, 200), (188, 63, 188), (17, 168, 205), (229, 229, 229)),
    *((102, 102, 102), (241, 76, 76), (35, 209, 139), (245, 245, 67)),
    *((59, 142, 234), (214, 112, 214), (41, 184, 219), (255, 255, 255)),
)


@dataclass(frozen=True, slots=True)
class _Looks:
    front: int | None = None
    back: int | None = None
    flags: frozenset[str] = frozenset()

    def classes(self) -> str:
        names = sorted(f"a-{flag}" for flag in self.flags)
        names += [f"a-f{self.front}"] if self.front is not None else []
        names += [f"a-b{self.back}"] if self.back is not None else []
        return " ".join(names)


_PLAIN = _Looks()


def to_html(line: str, search: str = "") -> Markup:
    """The line; what is ``search``ed for is marked, without regard to case."""
    cut = len(line) > _LONGEST
    parts = []
    for text, looks in _runs(line[:_LONGEST]):
        inner = _marked(_sendable(text.translate(_TAB)), search)
        names = looks.classes()
        parts.append(Markup('<span class="{}">{}</span>').format(names, inner) if names else inner)
    return Markup("").join(parts) + ("…" if cut else "")


def _runs(line: str) -> Iterator[tuple[str, _Looks]]:
    looks, start = _PLAIN, 0
    for found in _SEQUENCE.finditer(line):
        if found.start() > start:
            yield line[start : found.start()], looks
        if found[1] is not None:
            looks = _changed(looks, found[1])
        start = found.end()
    if start < len(line):
        yield line[start:], looks


def _changed(looks: _Looks, parameters: str) -> _Looks:
    numbers = [int(part or 0) for part in re.split("[;:]", parameters or "0") if len(part) < 4]
    while numbers:
        number = numbers.pop(0)
        if number == 0:
            looks = _PLAIN
        elif number in _FLAGS:
            looks = replace(looks, flags=looks.flags | {_FLAGS[number]})
        elif number in _OFF:
            looks = replace(looks, flags=looks.flags - {*_OFF[number]})
        elif number in (38, 48):
            colour = _colour(numbers)
            looks = replace(looks, front=colour) if number == 38 else replace(looks, back=colour)
        else:
            looks = _basic(looks, number)
    return looks


def _basic(looks: _Looks, number: int) -> _Looks:
    for first, bright in ((30, 0), (90, 8)):
        if first <= number < first + 8:
            return replace(looks, front=number - first + bright)
        if first + 10 <= number < first + 18:
            return replace(looks, back=number - first - 10 + bright)
    if number in (39, 49):
        return replace(looks, front=None) if number == 39 else replace(looks, back=None)
    return looks


def _colour(numbers: list[int]) -> int | None:
    """One of sixteen for ``5;N`` or ``2;R;G;B``, whose numbers are used up; None for another."""
    kind = numbers.pop(0) if numbers else None
    if kind == 5 and numbers:
        number = numbers.pop(0)
        if number < 16:
            return number
        if number >= 232:
            grey = 8 + 10 * (number - 232)
            return _nearest((grey, grey, grey))
        at = number - 16
        return _nearest((_LEVELS[at // 36 % 6], _LEVELS[at // 6 % 6], _LEVELS[at % 6]))
    if kind == 2 and len(numbers) >= 3:
        wanted = (numbers.pop(0), numbers.pop(0), numbers.pop(0))
        return _nearest(wanted)
    return None


def _nearest(wanted: tuple[int, int, int]) -> int:
    distances = [
        sum((one - other) ** 2 for one, other in zip(wanted, known, strict=True))
        for known in _BASIC
    ]
    return distances.index(min(distances))


def _sendable(text: str) -> str:
    """Bytes that were no UTF-8 are lone surrogates here, which no page can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _marked(text: str, search: str) -> Markup:
    if not search:
        return escape(text)
    pieces = re.split(f"({re.escape(search)})", text, flags=re.IGNORECASE)
    return Markup("").join(
        Markup("<mark>{}</mark>").format(piece) if number % 2 else escape(piece)
        for number, piece in enumerate(pieces)
    )
