"""Log files and the times in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.convert.manifests.draft import Draft, Fate, locate
from reconciler.convert.nofile import is_no_file
from reconciler.convert.pm2.values import is_true, text_of
from reconciler.model.words.logname import INSTANCE

_WORD = re.compile(r"<[^<>/]*>")
_FIELDS = {"out_file": "logs.stdout", "error_file": "logs.stderr"}
_NOWHERE = ("NULL", "/dev/null")
_OF_TIME = "YYYY-MM-DDTHH:mm:ss"
# day.js's tokens, the longer ones first (day.js.org/docs/en/display/format).
# fmt: off
_TOKENS = {
    "YYYY": "%Y", "YY": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "DD": "%d",
    "dddd": "%A", "ddd": "%a", "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S",
    "SSS": "%f", "ZZ": "%z", "Z": "%z", "A": "%p",
}
# fmt: on
_PART = re.compile(r"\[([^\]]*)\]|([A-Za-z])\2*|[^A-Za-z\[]+|\[")


def put(conf: Mapping[str, Any], folder: str, draft: Draft) -> None:
    count = draft.spec.get("instances", 1)
    apart = count != 1 and not is_true(conf.get("merge_logs"))
    placed = [_path(conf, folder, draft, key, apart=apart) for key in _FIELDS]
    _times(conf, draft, any(placed))
    if conf.get("log_type") == "json":
        draft.put("logs.format", "json")
    if conf.get("log_file"):
        note = "collected both streams in one more file; `recon logs APP` shows both, by time"
        draft.note(Fate.CHANGED, "log_file", note)
    if any(placed) and apart:
        note = f"is not set, so each instance has a file of its own ({INSTANCE} is its number)"
        draft.note(Fate.CHANGED, "merge_logs", note)


def strftime(pattern: str) -> str | None:
    """A day.js format as strftime has it; None where that has no word for it."""
    parts = []
    for match in _PART.finditer(pattern):
        literal, letter = match[1], match[2]
        if literal is not None or letter is None:
            parts.append((literal if literal is not None else match[0]).replace("%", "%%"))
        elif match[0] in _TOKENS:
            parts.append(_TOKENS[match[0]])
        elif match[0] == "T":  # stands between date and time, and is not a token
            parts.append("T")
        else:
            return None
    return "".join(parts)


def _path(conf: Mapping[str, Any], folder: str, draft: Draft, key: str, *, apart: bool) -> bool:
    """Whether the file is recon's, too. ``apart``: each instance has one."""
    value = conf.get(key)
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    if value in _NOWHERE:
        draft.note(Fate.LOST, key, "recon keeps logs, and rotates them (logs.rotate)")
        return False
    path = text_of(value)
    if is_no_file(locate(folder, path)):
        draft.note(Fate.LOST, key, f"{path}: is not a file; `recon logs` shows what recon keeps")
        return False
    if _WORD.search(path):
        draft.note(Fate.LOST, key, f"{path}: contains a placeholder of recon's logs.stdout")
        return False
    if apart:  # as PM2 names them, with its own numbers
        stem, dot, suffix = path.rpartition(".log")
        path = f"{stem}-{INSTANCE}.log" if dot and not suffix else f"{path}-{INSTANCE}"
    draft.put(_FIELDS[key], locate(folder, path))
    return True


def _times(conf: Mapping[str, Any], draft: Draft, own_files: bool) -> None:
    key = "time" if is_true(conf.get("time")) else "log_date_format"
    pattern = _OF_TIME if key == "time" else conf.get(key)
    if not isinstance(pattern, str) or not pattern:
        if own_files:
            draft.put("logs", {"timestamps": False})
        return
    found = strftime(pattern)
    if found is None:
        note = f"{text_of(pattern)}: cannot be translated; recon writes the time in its own format"
        draft.note(Fate.CHANGED, key, note)
    else:
        draft.put("logs.timestamps", found)
