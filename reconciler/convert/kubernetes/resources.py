"""What a container may use."""

from __future__ import annotations

from typing import Any

from reconciler.convert.engines.draft import Draft
from reconciler.convert.fields import Fate

_UNITS = (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))


def resources(draft: Draft, container: dict[str, Any]) -> None:
    """``memoryHard`` and ``cpu`` are limits, ``memory`` is what the scheduler reserves."""
    limits: dict[str, str] = {}
    requests: dict[str, str] = {}
    hard, cpu = draft.take("limits", "memoryHard"), draft.take("limits", "cpu")
    limits |= {"memory": memory(int(hard))} if hard is not None else {}
    limits |= {"cpu": processors(str(cpu))} if cpu is not None else {}
    soft = draft.take("limits", "memory")
    if soft is not None:
        requests["memory"] = memory(int(soft))
        text = "is what the scheduler reserves; no Pod is replaced when it uses more"
        draft.note(Fate.DIFFERS, text, "limits", "memory")
    found = {"requests": requests, "limits": limits}
    found = {name: values for name, values in found.items() if values}
    if found:
        container["resources"] = found


def memory(size: int) -> str:
    """Bytes as a quantity, exactly: ``512Mi``."""
    unit, count = next(((u, n) for u, n in _UNITS if size % n == 0 and size), ("", 1))
    return f"{size // count}{unit}"


def processors(cpu: str) -> str:
    """``1.5`` as ``1500m``, ``2`` as ``2``: what Kubernetes itself shows."""
    whole, _, rest = cpu.partition(".")
    milli = int(whole) * 1000 + int(rest.ljust(3, "0") or 0)
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"
