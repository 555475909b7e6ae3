"""One text as YAML: plain where no reader can take it for anything else, quoted elsewhere.

Stricter than recon's own reader, which knows YAML 1.2: what a reader of YAML 1.1 would take for
something else (``yes``, ``22:22``, ``012``, a date) is quoted as well, since people look at
manifests with other tools, too.
"""

from __future__ import annotations

import json
import re

from reconciler.desired.text.scalar import scalar

_WORD = r"[A-Za-z0-9_./+~=-](?:[A-Za-z0-9_./+@%~:=,-]*[A-Za-z0-9_./+@%~=-])?"
_PLAIN = re.compile(rf"(?=[A-Za-z0-9_./~]|--?[A-Za-z]){_WORD}(?: {_WORD})*")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
# YAML 1.1's words, numbers in base 8 and 60, and dates.
_OLD = re.compile(
    r"(?:y|n|yes|no|on|off|true|false|null|~)|[-+]?[0-9][0-9_.:eExXa-fA-F]*|[0-9]{4}-[0-9-]+.*",
    re.IGNORECASE,
)
# What JSON leaves as it is, and YAML does not allow or would fold.
_HIDDEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def text(value: str, *, number: bool = False) -> str:
    """``value`` on one line. ``number``: it stands where recon reads text, so digits need none."""
    if number and _NUMBER.fullmatch(value):
        return value
    if _PLAIN.fullmatch(value) and not _misread(value):
        return value
    if "\\" in value or '"' in value:
        single = "'" + value.replace("'", "''") + "'"
        if value.isprintable() and value.count("'") < 3:
            return single
    return quoted(value)


def quoted(value: str) -> str:
    """``value`` in double quotes, whatever it holds."""
    return _HIDDEN.sub(_escape, json.dumps(value, ensure_ascii=False))


def literal(value: str) -> list[str] | None:
    """``value`` as a block: the indicator, then its lines; None where a block could not say it."""
    body = value.removesuffix("\n")
    lines = body.split("\n")
    plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    if len(lines) < 2 or not plain or not lines[0] or lines[0][0] == " " or not lines[-1]:
        return None
    return ["|" if value.endswith("\n") else "|-", *lines]


def _misread(value: str) -> bool:
    return not isinstance(scalar(value), str) or _OLD.fullmatch(value) is not None


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
