"""I/O priorities as the kernel encodes them, and the system calls that no library wraps."""

from __future__ import annotations

NUMBERS = {
    "x86_64": (251, 252),
    "aarch64": (30, 31),
    "riscv64": (30, 31),
    "loongarch64": (30, 31),
    "i686": (289, 290),
    "armv7l": (314, 315),
    "ppc64le": (273, 274),
    "s390x": (282, 283),
}
"""(ioprio_set, ioprio_get) by machine, as uname(2) names it; from the kernel's tables."""
WHO_PROCESS = 1
_CLASS_SHIFT = 13
_CLASSES = ("none", "realtime", "best-effort", "idle")


def encode(text: str) -> int:
    """``best-effort:4`` as ioprio_set(2) takes it."""
    name, _, level = text.partition(":")
    return _CLASSES.index(name) << _CLASS_SHIFT | int(level or 0)


def decode(number: int) -> str:
    """The other way. ``none``: it follows from nice (ioprio_get(2))."""
    name = _CLASSES[number >> _CLASS_SHIFT & 3]
    return name if name in ("none", "idle") else f"{name}:{number & 7}"
