"""A ``[program:x]`` becomes a draft; or several, where its processes differ in more than a number.

recon's instances differ by ``{perInstance: N}`` in variables and nothing else. So does a program
with ``PORT=80%(process_num)02d``; one with the number in its command becomes an app per process.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.convert.manifests.draft import Draft, Fate, locate
from reconciler.convert.nofile import is_no_file
from reconciler.convert.supervisor.ini import Section, expand
from reconciler.convert.supervisor.options import OPTIONS, boolean, environment, size, whole
from reconciler.convert.supervisor.socket import FCGI, SOCKET_OPTIONS, on_input, socket_of
from reconciler.convert.variables import acceptable
from reconciler.model.words.logname import INSTANCE

_MOST = 1000
_LAST_CODE = 255
_SIGNALS = ("TERM", "HUP", "INT", "QUIT", "KILL", "USR1", "USR2")
_LOGS = ("stdout_logfile", "stderr_logfile")
_DIFFER = ("process_name", *_LOGS)
_NUMBER_OF_LOG = re.compile(r"%\(process_num\)0?\d{0,3}[sd]")
_AUTO, _NONE = ("auto",), ("none", "off")


@dataclass(frozen=True, slots=True)
class Around:
    """What a program is declared in."""

    directory: str
    """Where supervisord runs."""
    started_in: str | None
    """The same where that is a guess; None where it was said."""
    environment: Mapping[str, str]
    """``environment`` of ``[supervisord]``."""
    umask: str | None
    user: str | None
    variables: Mapping[str, str]
    """For ``%(…)s``: ENV_… and host_node_name."""
    group: str | None = None


def drafts_of(section: Section, around: Around) -> list[Draft]:
    """The drafts of one program. Raises ImportFault."""
    numprocs = _number(section, around, "numprocs", 1)
    start = _number(section, around, "numprocs_start", 0)
    if not 0 <= numprocs <= _MOST:
        raise section.fault("numprocs", f"must be 0 to {_MOST}")
    processes = [_Process(section, around, number, numprocs) for number in _range(start, numprocs)]
    if numprocs == 0:
        draft = processes[0].draft(section.name)
        draft.put("instances", 0)
        return [draft]
    counted = _counted([process.environment for process in processes])
    same = len({process.shape for process in processes}) == 1
    if same and counted is not None:
        draft = _Process(_logs_apart(section), around, start, numprocs).draft(section.name)
        draft.spec.pop("env", None)
        if counted:
            draft.spec["env"] = counted
        if numprocs > 1:
            draft.put("instances", numprocs)
        return [draft]
    drafts = [process.draft(process.name) for process in processes]
    for draft in drafts:
        note = f"differ in their command or environment, so each of the {numprocs} becomes an app"
        draft.note(Fate.CHANGED, "numprocs", note)
    return drafts


def _logs_apart(section: Section) -> Section:
    """The same with recon's word for the number of the instance in the names of its logs."""
    options = {
        name: _NUMBER_OF_LOG.sub(INSTANCE, text) if name in _LOGS else text
        for name, text in section.options.items()
    }
    return replace(section, options=options)


def _range(start: int, count: int) -> range:
    return range(start, start + max(count, 1))


def _number(section: Section, around: Around, option: str, default: int) -> int:
    text = section.options.get(option)
    if text is None:
        return default
    found = whole(expand(text, {**around.variables, "here": section.here}, section, option))
    if found is None:
        raise section.fault(option, "must be a whole number")
    return found


def _counted(environments: list[dict[str, str]]) -> dict[str, Any] | None:
    """One environment for all, with numbers that count as {perInstance}; None if that is none."""
    first = environments[0]
    if any(list(one) != list(first) for one in environments):
        return None
    found: dict[str, Any] = {}
    for name, value in first.items():
        values = [one[name] for one in environments]
        if len(set(values)) == 1:
            found[name] = value
        elif _counts(values):
            found[name] = {"perInstance": int(value)}
        else:
            return None
    return found


def _counts(values: list[str]) -> bool:
    """Whether they are ``8000``, ``8001``, …, as {perInstance} writes them."""
    if not (values[0].isascii() and values[0].isdecimal() and len(values[0]) < 16):
        return False
    first = int(values[0])
    return values == [str(number) for number in range(first, first + len(values))]


class _Process:
    """One of the processes of a program, everything expanded for its number."""

    def __init__(self, section: Section, around: Around, number: int, count: int) -> None:
        self._section, self._around = section, around
        self._variables: dict[str, str | int] = {
            **around.variables,
            "here": section.here,
            "program_name": section.name,
            "group_name": around.group or section.name,
            "process_num": number,
            "numprocs": count,
        }
        own = environment(self._get("environment") or "")
        if own is None:
            raise section.fault("environment", 'is not a list of pairs; write A="1",B="2"')
        self._variables.update({f"ENV_{name}": value for name, value in own.items()})
        self.environment = {**around.environment, **own}
        self.command = self._words()
        self.name = self._get("process_name") or section.name
        self._values = {
            option: self._get(option) for option in section.options if option != "environment"
        }

    @property
    def shape(self) -> tuple[Any, ...]:
        """All in which the instances of one app cannot differ."""
        rest = {name: text for name, text in self._values.items() if name not in _DIFFER}
        return (tuple(self.command), tuple(rest.items()))

    def draft(self, name: str) -> Draft:
        section = self._section
        draft = Draft(name, section.file)
        if self._around.group:
            draft.labels["group"] = self._around.group
        draft.spec = {"command": self.command, "cwd": self._directory(draft)}
        env = acceptable(self.environment, "environment", draft)
        if env:
            draft.spec["env"] = env
        user = self._values.get("user") or self._around.user
        if user:
            draft.spec["user"] = user
        umask = self._values.get("umask") or self._around.umask
        if umask:
            draft.spec["umask"] = umask
        self._restart(draft)
        self._stop(draft)
        self._logs(draft)
        if section.kind == FCGI:
            self._listen(draft)
        else:
            draft.spec["strategy"] = {"maxSurge": 0}
        self._options(draft)
        return draft

    def _listen(self, draft: Draft) -> None:
        """supervisord hands the socket over as standard input, recon as descriptor 3."""
        options = {name: self._get(name) or "" for name in SOCKET_OPTIONS}
        socket = socket_of(options, self._around.directory)
        if socket is None:
            raise self._section.fault("socket", "must be tcp://HOST:PORT or unix:///PATH")
        draft.spec["sockets"] = [socket]
        draft.spec["command"] = on_input(self.command)

    def _get(self, option: str) -> str | None:
        text = self._section.options.get(option)
        return None if text is None else expand(text, self._variables, self._section, option)

    def _words(self) -> list[str]:
        command = self._get("command")
        try:
            words = shlex.split(command or "")
        except ValueError as error:
            raise self._section.fault("command", str(error).lower()) from None
        if not words:
            raise self._section.fault("command", "is missing; supervisord would not start it")
        return [word.replace("\0", "") for word in words]

    def _directory(self, draft: Draft) -> str:
        given = self._values.get("directory")
        if given:
            return locate(self._around.directory, given)
        if self._around.started_in is None:
            return self._around.directory
        note = (
            "is not set, so the program runs where supervisord was started, which no file"
            f" says: assumed to be {self._around.started_in}; correct cwd, or import with --cwd DIR"
        )
        draft.note(Fate.TODO, "directory", note)
        return self._around.directory

    def _flag(self, option: str, default: bool) -> bool:
        text = self._values.get(option)
        found = default if text is None else boolean(text)
        if found is None:
            raise self._section.fault(option, "must be true or false")
        return found

    def _whole(self, option: str) -> int | None:
        text = self._values.get(option)
        if text is None:
            return None
        found = whole(text)
        if found is None or found < 0:
            raise self._section.fault(option, "must be a whole number")
        return found

    def _restart(self, draft: Draft) -> None:
        if not self._flag("autostart", True):
            draft.put("suspend", True)
        word = (self._values.get("autorestart") or "unexpected").strip().lower()
        if word == "unexpected":
            draft.put("restartPolicy", "OnFailure")
            self._exit_codes(draft)
        elif boolean(word) is None:
            raise self._section.fault("autorestart", "must be true, false or unexpected")
        elif not boolean(word):
            draft.put("restartPolicy", "Never")
        seconds = self._whole("startsecs")
        if seconds is not None and seconds != 1:
            draft.put("minReadySeconds", min(seconds, 599))

    def _exit_codes(self, draft: Draft) -> None:
        """What counts as expected; without the option that is 0 alone."""
        words = (self._values.get("exitcodes") or "0").replace(",", " ").split()
        codes = {whole(word) for word in words}
        numbers = sorted({code for code in codes if code is not None and 0 <= code <= _LAST_CODE})
        if len(numbers) != len(codes):
            raise self._section.fault("exitcodes", f"must be numbers from 0 to {_LAST_CODE}")
        if numbers not in ([], [0]):
            draft.put("successExitCodes", [code for code in numbers if code])
        if 0 not in numbers:
            note = "0 is not one of them; for recon exit 0 is always success, and it does not"
            draft.note(Fate.CHANGED, "exitcodes", f"{note} restart after it")

    def _stop(self, draft: Draft) -> None:
        name = (self._values.get("stopsignal") or "TERM").strip().upper().removeprefix("SIG")
        if name not in _SIGNALS:
            raise self._section.fault("stopsignal", f"must be one of {', '.join(_SIGNALS)}")
        if name == "KILL":
            draft.put("terminationGracePeriodSeconds", 0)
        elif name != "TERM":
            draft.put("stop", {"signal": f"SIG{name}"})
        seconds = self._whole("stopwaitsecs")
        if seconds is not None and name != "KILL":
            draft.put("terminationGracePeriodSeconds", seconds)

    def _logs(self, draft: Draft) -> None:
        merged = self._flag("redirect_stderr", False)
        for stream in ("stdout", "stderr"):
            option = f"{stream}_logfile"
            path = self._values.get(option)
            if path is None or path.lower() in _AUTO or (merged and stream == "stderr"):
                continue
            located = locate(self._around.directory, path)
            if path.lower() in _NONE or path == "/dev/null":
                draft.note(Fate.LOST, option, "recon keeps logs, and rotates them (logs.rotate)")
            elif path.lower() == "syslog" or is_no_file(located):
                note = f"{path} is not a file; recon writes files, and `recon logs` shows them"
                draft.note(Fate.LOST, option, note)
            else:
                draft.put(f"logs.{stream}", located)
                if self._around.started_in is not None and not os.path.isabs(path):
                    note = (
                        f"{path} is relative to where supervisord was started, which no file"
                        " says: give --cwd DIR"
                    )
                    draft.note(Fate.TODO, option, note)
        if merged:
            draft.put("logs.merge", True)
        if any(stream in draft.spec.get("logs", {}) for stream in ("stdout", "stderr")):
            # A file of supervisord's holds what the program wrote, and nothing else.
            draft.put("logs.timestamps", False)
        self._rotation(draft)

    def _rotation(self, draft: Draft) -> None:
        """recon rotates both streams alike; what stdout's says holds."""
        for stream in ("stderr", "stdout"):
            given = self._values.get(f"{stream}_logfile_maxbytes")
            found = None if given is None else size(given)
            if given is not None and found is None:
                raise self._section.fault(
                    f"{stream}_logfile_maxbytes", "is not a valid size; write e.g. 50MB"
                )
            path = self._values.get(f"{stream}_logfile") or ""
            no_file = is_no_file(locate(self._around.directory, path)) if path else False
            if no_file or path.lower() in _NONE or path.lower() == "syslog":
                continue  # supervisord wants maxbytes=0 there: what cannot be rotated
            if found is not None and int("".join(filter(str.isdigit, found))) == 0:
                note = "0 means no rotation; recon rotates at logs.rotate.size"
                draft.note(Fate.CHANGED, f"{stream}_logfile_maxbytes", note)
            elif found is not None:
                draft.put("logs.rotate", {"size": found})
            keep = self._whole(f"{stream}_logfile_backups")
            if keep is not None:
                draft.put("logs.rotate", {"keep": keep})

    def _options(self, draft: Draft) -> None:
        for option in self._section.options:
            rule = OPTIONS.get(option)
            if self._section.kind == FCGI and option in SOCKET_OPTIONS:
                continue
            if rule is None:
                draft.note(
                    Fate.UNNEEDED, option[:60], "supervisord does not know this option either"
                )
            elif rule.fate is not None and boolean(self._values.get(option) or "") is not False:
                draft.note(rule.fate, option, rule.text)
