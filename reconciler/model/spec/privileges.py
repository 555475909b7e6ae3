"""What a program may do beyond what the files' permissions say: groups, capabilities, mounts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from reconciler.model.spec.base import Manifest
from reconciler.model.words.closest import closest
from reconciler.model.words.sentence import InvalidValue
from reconciler.model.words.values import Account

_NAMES = """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
    SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
    SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
    WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""
CAPABILITIES = tuple(_NAMES.split())
"""By their numbers: the order of linux/capability.h."""
ALL = "ALL"
PRIVATE_TMP = ("/tmp", "/var/tmp")
"""What ``privateTmp`` puts a directory of the instance's own in the place of."""


def _capability(value: str) -> str:
    """As Kubernetes has them: with or without CAP_, in capitals."""
    name = value.upper().removeprefix("CAP_")
    if name == ALL or name in CAPABILITIES:
        return name
    near = closest(name, CAPABILITIES)
    hint = f"did you mean {near}?" if near else "write e.g. NET_RAW, or ALL"
    raise InvalidValue(f"{value!r} is not a capability of Linux", hint)


def _canonical(names: tuple[str, ...]) -> tuple[str, ...]:
    """In one order, so that two ways to write the same are one revision."""
    if ALL in names:
        return (ALL,)
    return tuple(sorted({*names}, key=CAPABILITIES.index))


class Capabilities(Manifest):
    """What of root's power is taken away (capabilities(7))."""

    drop: Annotated[
        tuple[Annotated[str, AfterValidator(_capability)], ...], AfterValidator(_canonical)
    ] = Field((), description="Linux capabilities to drop, in Kubernetes' names, or ALL")

    def numbers(self, last: int) -> tuple[int, ...]:
        """Those to drop, on a kernel whose highest capability is ``last``."""
        if self.drop == (ALL,):
            return tuple(range(last + 1))
        return tuple(number for name in self.drop if (number := CAPABILITIES.index(name)) <= last)


def _group(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _path(value: str) -> str:
    if not value or "\0" in value:
        raise ValueError("a path cannot be empty or contain a NUL byte")
    return value


Groups = tuple[Annotated[Account, BeforeValidator(_group, json_schema_input_type=str | int)], ...]
Paths = tuple[Annotated[str, AfterValidator(_path)], ...]


def hidden_by_private_tmp(path: str) -> bool:
    """Whether an absolute path lies where ``privateTmp`` shows the program another directory."""
    return any(path.startswith(f"{folder}/") for folder in PRIVATE_TMP)
