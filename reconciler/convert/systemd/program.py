"""What is run, where, as whom, and with which variables.

systemd wants an absolute program; it is looked for now, where recon would look. A secret stays in
its file: systemd hands that over as a credential (LoadCredential=), and a line of shell makes it
the variable that the program knows, in the same process. So the value is in no unit.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

from reconciler.convert.fields import Fate
from reconciler.convert.systemd.dotenv import names_and_doubts
from reconciler.convert.systemd.draft import Draft
from reconciler.convert.systemd.unitfile import Unwritable, assignment, command, path

_USUAL = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def account(draft: Draft) -> None:
    """Also where no user was named: HOME, USER and LOGNAME are told only with User=."""
    user, group = draft.take("user"), draft.take("group")
    if not draft.target.user:
        draft.service.append(("User", user or draft.target.account))
        draft.service += [("Group", group)] if group else []
        return
    for field, value in (("user", user), ("group", group)):
        if value:
            draft.note(Fate.LOST, "a user's manager runs everything as that user", field)


def program(draft: Draft) -> None:
    """The directory and the command; after ``environment``, whose prelude it needs."""
    cwd = draft.take("cwd", default="/")
    try:
        draft.service.append(("WorkingDirectory", path(cwd)))
    except Unwritable as error:
        draft.note(Fate.LOST, str(error), "cwd")
    words, folder = found(draft, draft.take("command"), "command")
    if folder and draft.peek("env", "PATH") is None:
        draft.service.append(("Environment", assignment("PATH", f"{_USUAL}:{folder}")))
    draft.service.append(("ExecStart", command(words, draft.prelude)))


def found(draft: Draft, words: list[str], *field: str) -> tuple[list[str], str]:
    """The command with its program as an absolute path.

    Second the folder it was found in, where a service would not look; else empty.
    """
    name, cwd = words[0], draft.fields.get("cwd", "/")
    if "/" in name:
        return [os.path.normpath(os.path.join(cwd, name)), *words[1:]], ""
    search = draft.peek("env", "PATH")
    # As a controller that is started at boot finds it: the usual places first.
    path_of = search if isinstance(search, str) else f"{_USUAL}:{draft.target.path}"
    place = shutil.which(name, path=path_of)
    if place is None:
        draft.note(Fate.TODO, f"{name} was not found here; write its absolute path", *field)
        return [f"/usr/bin/{name}", *words[1:]], ""
    folder = os.path.dirname(os.path.abspath(place))
    beside = folder if folder not in _USUAL.split(":") and ":" not in folder else ""
    return [os.path.abspath(place), *words[1:]], beside


def environment(draft: Draft) -> None:
    """Variables; and the shell that sets those which no setting can set (``Draft.prelude``)."""
    inherited = _files(draft)
    names: list[str] = []
    for name, value in (draft.peek("env") or {}).items():
        draft.take("env", name)
        if isinstance(value, str):
            _plain(draft, name, value, overrides=name in inherited)
        elif "perInstance" in value:
            _numbered(draft, name, int(value["perInstance"]), overrides=name in inherited)
        elif "secretFile" in value:
            _credential(draft, name, value["secretFile"], as_value=True)
        elif "credential" in value:
            _credential(draft, name, value["credential"], as_value=False)
        elif "fromEnv" in value:
            names.append(name)
        else:
            draft.note(
                Fate.LOST, "the exporter does not know this field; set it by hand", "env", name
            )
    if names:
        file = f"%E/recon/{draft.base}.env"
        draft.service.append(("EnvironmentFile", file))
        where = "~/.config" if draft.target.user else "/etc"
        note = f"write a line {{}}=VALUE into {where}/recon/{draft.base}.env, mode 0600"
        for name in names:
            draft.note(Fate.TODO, note.format(name), "env", name)


def _files(draft: Draft) -> set[str]:
    """Dotenv files as EnvironmentFile=; the names they set, which win over Environment=."""
    names: set[str] = set()
    for file in draft.take("envFrom", default=[]):
        given, doubts = names_and_doubts(file["file"])
        names |= given
        for line in doubts:
            note = f"{file['file']}:{line}: systemd may read this line differently; check it"
            draft.note(Fate.TODO, note, "envFrom")
        for field in file.keys() - {"file", "optional"}:
            note = "the exporter does not know this field; set it by hand"
            draft.note(Fate.LOST, note, "envFrom", field)
        try:
            optional = "-" if file.get("optional") else ""
            draft.service.append(("EnvironmentFile", optional + path(file["file"])))
        except Unwritable as error:
            draft.note(Fate.LOST, str(error), "envFrom")
    return names


def _plain(draft: Draft, name: str, value: str, *, overrides: bool) -> None:
    try:
        written = assignment(name, value)
    except Unwritable as error:
        draft.note(Fate.LOST, str(error), "env", name)
        return
    draft.service.append(("Environment", written))
    if overrides:  # systemd reads files last, recon first
        draft.prelude += f"{name}={_shell_quoted(value)}; export {name}; "


def _numbered(draft: Draft, name: str, first: int, *, overrides: bool) -> None:
    if not draft.is_template:
        _plain(draft, name, str(first), overrides=overrides)
        return
    if overrides:
        note = "a file of envFrom sets it, too, and wins here; remove it there"
        draft.note(Fate.TODO, note, "env", name)
    try:
        for number in range(draft.instances):
            lines = draft.per_instance.setdefault(number, [])
            lines.append(("Environment", assignment(name, str(first + number))))
    except Unwritable as error:
        draft.note(Fate.LOST, str(error), "env", name)


def _credential(draft: Draft, name: str, file: str, *, as_value: bool) -> None:
    try:
        assignment(name, "")  # a name that no variable can have
        draft.service.append(("LoadCredential", f"{name}:{path(file)}"))
    except Unwritable as error:
        draft.note(Fate.LOST, str(error), "env", name)
        return
    if as_value:
        draft.prelude += f'{name}=$(cat "$CREDENTIALS_DIRECTORY/{name}") || exit 1; export {name}; '
    else:
        draft.service.append(("Environment", f"{name}=%d/{name}"))


def _shell_quoted(value: Any) -> str:
    return "'" + str(value).replace("'", "'\\''") + "'"
