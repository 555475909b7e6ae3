"""Fields that one setting of a unit says, and fields that none does: two tables.

A value that the function of its row cannot read is told as lost.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.convert.fields import Fate, Path
from reconciler.convert.systemd.draft import Draft, Lines
from reconciler.convert.systemd.unitfile import Unwritable, path, word
from reconciler.model.words.logname import APP, INSTANCE
from reconciler.system.limits import RESOURCES

_UNLIMITED = {"max": "infinity", "unlimited": "infinity"}


def _limit(setting: str) -> Callable[[Any], Lines]:
    return lambda value: [(setting, _UNLIMITED.get(str(value)) or str(int(value)))]


def _flag(setting: str) -> Callable[[Any], Lines]:
    return lambda value: [(setting, "yes" if value else "no")]


def _memory(value: Any) -> Lines:
    """recon gives no swap beyond the limit either."""
    return [*_limit("MemoryMax")(value), ("MemorySwapMax", "0")]


def _cpu(value: Any) -> Lines:
    milli = str(value).removesuffix("m") if str(value).endswith("m") else None
    share = float(milli) / 10 if milli else float(value) * 100
    return [("CPUQuota", f"{max(1, round(share))}%")]


def _affinity(value: Any) -> Lines:
    return [("CPUAffinity", str(value).replace(",", " "))]


def _io_priority(value: Any) -> Lines:
    kind, _, level = str(value).partition(":")
    if not re.fullmatch(r"(realtime|best-effort|idle)(:[0-7])?", str(value)):
        raise ValueError(value)
    return [("IOSchedulingClass", kind), *([("IOSchedulingPriority", level)] if level else [])]


def _capabilities(value: Any) -> Lines:
    if "ALL" in value:
        return [("CapabilityBoundingSet", ""), ("AmbientCapabilities", "")]
    return [("CapabilityBoundingSet", "~" + " ".join(f"CAP_{name}" for name in value))]


def _words(setting: str) -> Callable[[Any], Lines]:
    return lambda value: [(setting, " ".join(word(str(one)) for one in value))]


ONE_TO_ONE: Mapping[Path, Callable[[Any], Lines]] = {
    ("umask",): lambda value: [("UMask", f"0{value}")],
    ("limits", "memoryHard"): _memory,
    ("limits", "cpu"): _cpu,
    ("limits", "processes"): _limit("TasksMax"),
    **{("limits", name): _limit(one.setting) for name, one in RESOURCES.items() if one.setting},
    ("limits", "nice"): lambda value: [("Nice", str(int(value)))],
    ("limits", "oomScoreAdjust"): lambda value: [("OOMScoreAdjust", str(int(value)))],
    ("limits", "ioPriority"): _io_priority,
    ("limits", "cpuAffinity"): _affinity,
    ("supplementaryGroups",): _words("SupplementaryGroups"),
    ("noNewPrivileges",): _flag("NoNewPrivileges"),
    ("capabilities", "drop"): _capabilities,
    ("readOnlyPaths",): _words("ReadOnlyPaths"),
    ("privateTmp",): _flag("PrivateTmp"),
}

LOST: Mapping[Path, str] = {
    ("image",): "a unit runs a program of this host, not an image",
    ("metadata", "labels"): "units have no labels",
    ("strategy",): "a restart stops the old process first; systemd has no rolling"
    " update and no canary",
    ("minReadySeconds",): "systemd does not wait until an instance is stable",
    ("progressDeadlineSeconds",): "systemd gives up no update, since it follows none",
    ("revisionHistoryLimit",): "there is no history and no undo; keep the units in git",
    ("limits", "memory"): "no replacement before the limit is hit; MemoryHigh= slows down, "
    "MemoryMax= kills",
    ("watch",): "a change of files restarts nothing; a .path unit that runs `systemctl "
    "try-restart` does nearly the same",
    ("logs", "rotate"): "the journal rotates by its own settings (journald.conf); files"
    " are not rotated",
    ("logs", "timestamps"): "the journal has the times; a file has no times",
    ("logs", "format"): "journalctl -o json shows the journal as JSON; a file has plain lines",
}
"""By field; what stands below it is lost with it."""


def one_to_one(draft: Draft) -> None:
    """Write all that the first table has."""
    for field, lines_of in ONE_TO_ONE.items():
        value = draft.take(*field)
        if value is None or value == []:
            continue
        try:
            draft.service += lines_of(value)
        except (TypeError, ValueError):
            draft.note(Fate.LOST, f"{value!r} cannot be translated; set it by hand", *field)


def output(draft: Draft) -> None:
    """Files instead of the journal. They are only ever appended to."""
    draft.take("logs", "merge")  # standard error follows standard output, unless told otherwise
    for stream, setting in (("stdout", "StandardOutput"), ("stderr", "StandardError")):
        name = draft.take("logs", stream)
        if not name:
            continue
        instance = "%i" if draft.is_template else "0"
        try:
            written = path(name).replace(APP, draft.name).replace(INSTANCE, instance)
        except Unwritable as error:
            draft.note(Fate.LOST, str(error), "logs", stream)
            continue
        draft.service.append((setting, f"append:{written}"))
        if draft.is_job and INSTANCE in name:
            note = "all runs write to this one file"
            draft.note(Fate.DIFFERS, note, "logs", stream)
        note = "systemd does not rotate this file; use logrotate with copytruncate"
        draft.note(Fate.DIFFERS, note, "logs", stream)
    logs = draft.peek("logs") or {}
    if logs.get("stdout") and not logs.get("stderr") and not logs.get("merge"):
        draft.service.append(("StandardError", "journal"))


def build(draft: Draft) -> None:
    """ExecStartPre= would be something else: a build at each start, of each instance."""
    command = draft.take("build", "command")
    if command is None:
        return
    note = (
        f"systemd builds nothing: before each restart run, in {draft.peek('cwd')}:"
        f" {shlex.join(command)}"
    )
    draft.note(Fate.TODO, note, "build")
    for field in ("env", "envFrom"):
        if draft.take("build", field):
            note = "the build's variables are in no unit; set them where you run the build"
            draft.note(Fate.TODO, note, "build", field)
    for field in ("inputs", "ignore"):
        draft.take("build", field)
    for field in ("timeoutSeconds", "limits"):
        if draft.take("build", field):
            draft.note(Fate.LOST, "a build that you run by hand has no limits", "build", field)


def lost(draft: Draft) -> None:
    """Add a note for each field that no translation has taken."""
    draft.note_left({field: (Fate.LOST, text) for field, text in LOST.items()})
