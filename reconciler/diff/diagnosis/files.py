"""Files, libraries and commands: missing, forbidden, with Windows line ends, no room."""

from __future__ import annotations

import posixpath
import re

from reconciler.diff.diagnosis.cause import Cause, CauseCode, Evidence

_LIBRARY = re.compile(r"([A-Za-z0-9_+.-]{1,100}\.so[0-9.]{0,20}): cannot open shared object file")
_SYMBOL = re.compile(r"version `?(GLIBC(?:XX)?_[0-9.]{1,12})'? not found")
_MISSING = (
    re.compile(r"ENOENT: no such file or directory, \w{1,20} '([^']{1,300})'"),
    re.compile(r"No such file or directory: b?'([^']{1,300})'"),
    re.compile(
        r"(?:^|: )(?:can't open |cannot open )?'?([^ ':]{1,300})'?: No such file or directory"
    ),
    re.compile(r"open ([^ :]{1,300}): no such file or directory"),
)
_FORBIDDEN = (
    re.compile(
        r"(?:EACCES|EPERM): (?:permission denied|operation not permitted), \w{1,20} '([^']{1,300})'"
    ),
    re.compile(r"Permission denied: b?'([^']{1,300})'"),
    re.compile(r"cannot create ([^ :]{1,300}): Permission denied"),
    re.compile(r"(?:^|: )(?:line \d+: )?'?([^ ':]{1,300})'?: Permission denied"),
    re.compile(r"(?:open|mkdir) ([^ :]{1,300}): permission denied"),
)
_READ_ONLY = re.compile(
    r"(?:EROFS: read-only file system, \w{1,20} |Read-only file system: )'([^']{1,300})'"
)
_FULL = re.compile(r"ENOSPC|No space left on device")
_NOT_FOUND = re.compile(
    r"(?:^|: )(?:line )?\d{0,6}:? ?([^ :]{1,200}): (?:command )?not found$"
    r"|exec: \"([^\"]{1,200})\": executable file not found"
)
_CARRIAGE = re.compile(
    r"""\r['"’:]|[ -]\r$|can't cd to .{0,200}\r$|\^M: bad interpreter"""
    r"""|\\r['’]?: (?:No such file|command not found)"""
)
"""A word that ends in a carriage return, as the shell or what it runs shows it."""


def recognise(evidence: Evidence) -> Cause | None:
    """The cause, where a file is to blame."""
    return (
        _library(evidence)
        or _full(evidence)
        or _forbidden(evidence)
        or _missing(evidence)
        or _command(evidence)
    )


def line_ends(evidence: Evidence) -> Cause | None:
    """A script that was saved on Windows: reported before its consequences."""
    if evidence.output.find(_CARRIAGE) is None:
        return None
    words = evidence.spec.command
    script = next((word for word in words if "." in word and not word.startswith("-")), words[-1])
    message = f"the lines of {script} end with CR LF as on Windows, which a shell cannot run"
    return Cause(
        CauseCode.LINE_ENDS, message, f"cd {evidence.spec.cwd} && sed -i 's/\\r$//' {script}"
    )


def _library(evidence: Evidence) -> Cause | None:
    found = evidence.output.find(_LIBRARY)
    if found is not None:
        message = f"the shared library {found[1]} is not on this host"
        remedy = f"install the package that has it (apt-file search {found[1]})"
        return Cause(CauseCode.LIBRARY_MISSING, message, remedy)
    symbol = evidence.output.find(_SYMBOL)
    if symbol is None:
        return None
    message = f"it was built for a newer system: {symbol[1]} is not in this host's C library"
    return Cause(CauseCode.LIBRARY_MISSING, message, "build it on this system, or on an older one")


def _full(evidence: Evidence) -> Cause | None:
    if evidence.output.find(_FULL) is None:
        return None
    message = "no space is left on a disk that it writes to, or too many files are watched (ENOSPC)"
    return Cause(
        CauseCode.DISK_FULL, message, "make room (df -h, df -i); `recon doctor` looks at the disks"
    )


def _forbidden(evidence: Evidence) -> Cause | None:
    found = next((f for one in _FORBIDDEN if (f := evidence.output.find(one))), None)
    if found is None:
        locked = evidence.output.find(_READ_ONLY)
        if locked is None:
            return None
        message = f"{locked[1]} is on a read-only file system"
        return Cause(CauseCode.FILE_FORBIDDEN, message, "write elsewhere, or check `readOnlyPaths`")
    user = f"user {evidence.spec.user}" if evidence.spec.user else "the user it runs as"
    message = f"{user} may not open {found[1]}: permission denied"
    place = _where(evidence, found[1])
    owner = evidence.spec.user or "USER"
    remedy = f"chown {owner} {place}, change its mode, or correct `user`"
    return Cause(CauseCode.FILE_FORBIDDEN, message, remedy)


def _missing(evidence: Evidence) -> Cause | None:
    found = next((f for one in _MISSING if (f := evidence.output.find(one))), None)
    if found is None:
        return None
    path, cwd = found[1], evidence.spec.cwd
    if path.startswith("/"):
        message = f"there is no file {path}"
        remedy = "create it, or correct the path that the program is given"
    else:
        message = f"there is no file {path} in its working directory {cwd}"
        remedy = "correct `cwd`: relative paths are looked for there; or write an absolute path"
    return Cause(CauseCode.FILE_MISSING, message, remedy)


def _command(evidence: Evidence) -> Cause | None:
    found = evidence.output.find(_NOT_FOUND)
    if found is None:
        return None
    name = found[1] or found[2]
    message = f"the command {name} is not found by the shell"
    remedy = "install it, or add its directory to env.PATH"
    return Cause(CauseCode.COMMAND_MISSING, message, remedy)


def _where(evidence: Evidence, path: str) -> str:
    return posixpath.normpath(posixpath.join(evidence.spec.cwd, path))
