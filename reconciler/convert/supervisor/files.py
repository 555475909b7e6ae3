"""`recon import supervisor FILE…`: programs, their groups, and what cannot be mapped."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import replace

from reconciler.convert.host import Host
from reconciler.convert.manifests.draft import Draft, Fate, Located, Note, from_shell, locate
from reconciler.convert.supervisor.ini import Ini, Section, expand, read
from reconciler.convert.supervisor.options import environment
from reconciler.convert.supervisor.program import Around, drafts_of
from reconciler.convert.supervisor.socket import FCGI

GENERAL = (
    "supervisord passed its own environment to each program; recon passes what the manifest says,"
    " and PATH, HOME, USER, LANG, TZ (HOME and USER of the user it runs as).",
    "Without stopwaitsecs supervisord kills after 10 s; recon waits terminationGracePeriodSeconds,"
    " which is 30 unless written.",
    "supervisord gives up a program after startretries; recon keeps trying, with growing waits.",
    "recon writes the time before each line of the logs in its own folder;"
    " logs.timestamps: false leaves it out.",
)

_SERVERS = {"unix_http_server", "inet_http_server", "supervisorctl"}


def drafts_of_files(
    files: Sequence[str], host: Host, *, cwd: str | None = None
) -> tuple[list[Draft], dict[str, tuple[Note, ...]]]:
    """The drafts, and the notes on each file. Raises ImportFault.

    ``cwd`` is where supervisord is started: where programs run that name no directory.
    """
    variables = {f"ENV_{name}": value for name, value in host.environ.items()}
    variables["host_node_name"] = platform.node()
    drafts: list[Draft] = []
    notes: dict[str, tuple[Note, ...]] = {}
    for name in files:
        file = os.path.abspath(name)
        ini = read(file, variables)
        groups = _groups(ini)
        around = _around(ini, variables, file, cwd)
        found = [Note(Fate.CHANGED, "include", f"no file matches {one}") for one in ini.missing]
        for section in ini.sections:
            if section.kind in ("program", FCGI):
                group = groups.get(section.name)
                drafts += drafts_of(section, replace(around, group=group))
            else:
                found += _of_section(section)
        if read_here := _from_shell(ini, around, host):
            found.append(from_shell(read_here))
        notes[file] = tuple(found)
    return drafts, notes


def _from_shell(ini: Ini, around: Around, host: Host) -> list[str]:
    """The variables of this shell that programs ask for, less those that supervisord sets."""
    names = {
        name
        for section in ini.sections
        if section.kind in ("program", FCGI, "supervisord")
        for text in section.options.values()
        for name in re.findall(r"%\(ENV_(\w+)\)", text)
    }
    return sorted((names & host.environ.keys()) - around.environment.keys())


def _groups(ini: Ini) -> dict[str, str]:
    """Group by program."""
    return {
        program.strip(): section.name
        for section in ini.sections
        if section.kind == "group"
        for program in section.options.get("programs", "").split(",")
    }


def _around(ini: Ini, variables: dict[str, str], file: str, cwd: str | None) -> Around:
    # Under /etc it is an init system that starts supervisord, in the root directory.
    guess = "/" if file.startswith("/etc/") else os.path.dirname(file)
    started_in = Located(os.path.abspath(cwd)) if cwd is not None else Located(guess)
    section = next((one for one in ini.sections if one.kind == "supervisord"), None)
    if section is None:
        return Around(started_in, None if cwd else started_in, {}, None, None, variables)
    known = {**variables, "here": section.here}
    options = {
        option: expand(section.options[option], known, section, option)
        for option in ("directory", "environment", "umask")
        if option in section.options
    }
    given = environment(options.get("environment", ""))
    if given is None:
        raise section.fault("environment", 'is not a list of pairs; write A="1",B="2"')
    # `user` of [supervisord] is whom supervisord becomes when it is started as root.
    user = section.options.get("user")
    written = options.get("directory")
    return Around(
        locate(started_in, written) if written else started_in,
        None if written or cwd else started_in,
        given,
        options.get("umask"),
        None if user in (None, "root") else user,
        {**variables, **{f"ENV_{name}": value for name, value in given.items()}},
    )


def _of_section(section: Section) -> list[Note]:
    name = f"[{section.kind}{':' if section.name else ''}{section.name}]"
    if section.kind == "eventlistener":
        note = "listens to supervisord's events; `recon events -f -o json` shows recon's"
        return [Note(Fate.TODO, name, note)]
    if section.kind == "rpcinterface" or section.kind in _SERVERS:
        return [
            Note(Fate.UNNEEDED, name, "is part of supervisord; recon has an API and a command line")
        ]
    if section.kind == "group" and "priority" in section.options:
        return [Note(Fate.LOST, f"{name} priority", "use dependsOn, which waits for a dependency")]
    if section.kind in ("supervisord", "include", "group"):
        return []
    return [Note(Fate.UNNEEDED, name[:60], "supervisord does not know this option either")]
