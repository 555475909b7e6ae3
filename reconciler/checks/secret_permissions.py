"""Secret files that other users of this host can read or write.

A file counts as open to others only where they can reach it: one 0644 in a directory that others
cannot enter is as good as 0600. Members of its group are not others (``.env`` is 0640 in many
places, for a reason).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from reconciler.desired.text.yaml import Path
from reconciler.model.spec.env import Credential, SecretFile
from reconciler.model.spec.program import ProgramSpec


def exposed(spec: ProgramSpec) -> Iterator[tuple[Path, str]]:
    """(field below ``spec``, a sentence) for each secret's file that others can read or write."""
    for path, file in _files(spec):
        problem = exposure(file)
        if problem:
            yield path, problem


def exposure(file: str) -> str:
    """A sentence that names the mode and what to do; empty where no other user can read or write
    the file."""
    try:
        mode = stat.S_IMODE(os.stat(file).st_mode)
    except OSError:
        return ""
    may = [word for bit, word in ((stat.S_IROTH, "read"), (stat.S_IWOTH, "write")) if mode & bit]
    if not may or not _is_reached(os.path.realpath(file)):
        return ""
    return (
        f"mode {mode:04o}: every user of this host may {' and '.join(may)} {file}: chmod o= {file}"
    )


def _is_reached(file: str) -> bool:
    """Whether others can enter every directory above."""
    folder = os.path.dirname(file)
    while folder != os.path.dirname(folder):
        try:
            if not os.stat(folder).st_mode & stat.S_IXOTH:
                return False
        except OSError:
            return False
        folder = os.path.dirname(folder)
    return True


def _files(spec: ProgramSpec) -> Iterator[tuple[Path, str]]:
    """Of a spec with absolute paths."""
    for index, file in enumerate(spec.env_from):
        yield ("envFrom", index), file.file
    for name, value in spec.env.items():
        if isinstance(value, SecretFile):
            yield ("env", name), value.secret_file
        elif isinstance(value, Credential):
            yield ("env", name), value.credential
