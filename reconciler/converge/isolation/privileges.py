"""A program's privileges are laid down before its first instruction, and hold for all it starts.

The stub (``stub``) gives up what the program must not have, and becomes it. No wrapper program is
in between, a failure is told as exactly as without, and a program that declares nothing of the
kind costs nothing.

Of capabilities the bounding and the inheritable (so the ambient) set are reduced. The permitted
and effective ones follow at exec, by the rules of capabilities(7): those of root become what the
bounding set still holds, those of another user nothing. Until then the child needs them, to take
on its user.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, replace
from typing import Any

from reconciler.model.spec.privileges import PRIVATE_TMP, Capabilities
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.observed import ProcessId
from reconciler.model.words.sentence import Sentence
from reconciler.system import syscalls
from reconciler.system.exec_errors import CAPABILITIES, SpawnError

_TRANSIENT = {errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE}
_KEPT = Capabilities()
"""None is dropped."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a program has to do without."""

    no_new_privileges: bool = False
    capabilities: Capabilities = _KEPT
    """To be dropped."""
    read_only: tuple[str, ...] = ()
    private_tmp: bool = False
    beside: ProcessId | None = None
    """A process whose view of the file system is shared, instead of one of its own."""

    @classmethod
    def of(cls, spec: ProgramSpec) -> Confinement:
        """As declared."""
        paths, own_tmp = spec.read_only_paths, spec.private_tmp
        return cls(spec.no_new_privileges, spec.capabilities or _KEPT, paths, own_tmp)

    @property
    def mounts(self) -> bool:
        """It has another view of the file system than the host."""
        return bool(self.read_only) or self.private_tmp

    def helping(self, process: ProcessId) -> Confinement:
        """Of a program that looks after an instance: it sees the very files that this one sees."""
        return replace(self, beside=process)

    def __bool__(self) -> bool:
        return self.no_new_privileges or bool(self.capabilities.drop) or self.mounts

    def request(self) -> dict[str, Any] | None:
        """What a stub is asked to give up (``stub._confine``)."""
        if not self:
            return None
        drop = (
            self.capabilities.numbers(syscalls.last_capability()) if self.capabilities.drop else ()
        )
        beside = tuple(self.beside) if self.beside is not None and self.mounts else None
        return {
            "read_only": list(self.read_only),
            "own": list(PRIVATE_TMP) if self.private_tmp else [],
            "beside": beside,
            "drop": list(drop),
            "no_new_privileges": self.no_new_privileges,
        }


def why_not(by: Confinement, stage: int, error: OSError) -> SpawnError:
    """What kept a stub from giving up what the program must not have."""
    if stage == CAPABILITIES:
        reason = "recon may not drop capabilities here (it needs CAP_SETPCAP itself)"
        return SpawnError(reason, False, "give it CAP_SETPCAP, or remove `capabilities`")
    message, remedy = _why_not_mounted(by, error)
    return SpawnError(message, error.errno in _TRANSIENT, remedy)


def _why_not_mounted(by: Confinement, error: OSError) -> Sentence:
    fields = " and ".join(
        name
        for name, is_set in (("`readOnlyPaths`", by.read_only), ("`privateTmp`", by.private_tmp))
        if is_set
    )
    reason = error.strerror or os.strerror(error.errno or 0)
    if by.beside is not None:
        return Sentence(f"the mounts of pid {by.beside.pid} cannot be shared ({fields}): {reason}")
    if error.errno == errno.ENOENT and error.filename:
        return Sentence(f"{error.filename} does not exist", "create it, or correct `readOnlyPaths`")
    if error.errno == errno.EPERM:
        return Sentence(
            f"recon may not make mounts for it ({fields}): that needs CAP_SYS_ADMIN, which a "
            "container or a sandbox may withhold",
            "allow it, or remove the field",
        )
    if error.errno == errno.ENOSPC:
        message = "the host allows no more mounts or mount namespaces"
        return Sentence(f"{message} ({fields})", "raise fs.mount-max or user.max_mnt_namespaces")
    where = f" at {error.filename}" if error.filename else ""
    return Sentence(f"its mounts cannot be set up{where} ({fields}): {reason}")
