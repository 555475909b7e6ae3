"""A line of crontab(5) becomes a Job with a schedule.

A line for a user's own table: five fields or a word with an at sign, then the command. In the
tables of the system (/etc/cron.d) the user stands before the command.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import NamedTuple

from reconciler.convert.errors import ImportFault
from reconciler.convert.manifests.draft import Draft, Fate, Located
from reconciler.convert.shell import line_of
from reconciler.system import accounts

_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_PART = r"(?:\*|[0-9]+|[A-Za-z]{3})(?:-(?:[0-9]+|[A-Za-z]{3}))?(?:[/~][0-9]+)?"
_FIELD = rf"{_PART}(?:,{_PART})*"
_LINE = re.compile(
    rf"\s*(?P<when>(?=[0-9*]){_FIELD}(?:\s+{_FIELD}){{4}})\s+(?P<command>\S.*)", re.S
)
_AT = re.compile(r"\s*(?P<when>@[a-z]+)\s+(?P<command>\S.*)", re.S)
_PERCENT = re.compile(r"(?<!\\)%")


class CronLine(NamedTuple):
    """When, and the rest of the line."""

    schedule: str
    command: str


def cron_line(text: str) -> CronLine | None:
    """The parts of a line of a crontab; None where it is none. ImportFault for `@reboot`."""
    if (found := _AT.fullmatch(text)) is not None:
        if found["when"] not in _WORDS:
            raise ImportFault(
                f"{found['when']} is not a time: an App runs from boot on; give its command alone"
            )
        return CronLine(_WORDS[found["when"]], found["command"])
    found = _LINE.fullmatch(text)
    return None if found is None else CronLine(" ".join(found["when"].split()), found["command"])


def job_of(line: CronLine, folder: str) -> Draft:
    """The Job that runs a line as cron(8) does: in the user's home, unless its files are here."""
    draft = Draft("", folder, kind="Job")
    user, text = _user(line.command)
    text, percent, stdin = (part or "" for part in _split(text))
    if percent:
        note = f"cron gives it {stdin[:40]!r} as its input; a Job has none: use a pipe"
        draft.note(Fate.TODO, "%", note)
    found = line_of(text.replace("\\%", "%"))
    relative = (word for word in found.command if not os.path.isabs(word))
    here = any(os.path.isfile(os.path.join(folder, word)) for word in relative)
    home = os.path.expanduser(f"~{user}")
    cwd: str = Located(folder) if here else home
    if found.folder:
        at = os.path.normpath(os.path.join(cwd, os.path.expanduser(found.folder)))
        cwd = at if os.path.isabs(found.folder) or not here else Located(at)
    draft.spec = {"schedule": line.schedule, "command": found.command, "cwd": cwd}
    if found.env:
        draft.spec["env"] = dict(found.env)
    if user:
        draft.spec["user"] = user
    return draft


def _split(text: str) -> tuple[str, str, str]:
    """Before the first per cent sign that is not escaped, that sign, and what follows."""
    match = _PERCENT.search(text)
    return (text[: match.start()], "%", text[match.end() :]) if match else (text, "", "")


def _user(text: str) -> tuple[str, str]:
    """The user of a line of the system's tables, and the command; empty for a user's own table.

    Some users of Debian have the name of a program (`backup`, `man`): those are programs here.
    """
    first, _, rest = text.partition(" ")
    is_user = (
        accounts.user(first) is not None
        and not shutil.which(first)
        and not rest.lstrip().startswith("-")
    )
    return (first, rest.lstrip()) if rest.strip() and is_user else ("", text)
