"""What an app waits for: an init container that waits for a Service, where that is the meaning.

A Service has only the Pods that are ready. So a connection through it is what recon calls Ready.
The other conditions have no equal: a Pod can wait neither for a start nor for the end of a Job
without rights in the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.convert.engines.draft import Draft
from reconciler.convert.fields import Fate
from reconciler.convert.kubernetes.names import NAME, with_digest

_LONGEST = 58
_TO_WAIT = 'until nc -z -w 1 "$0" "$1"; do sleep 1; done'


class Other(NamedTuple):
    """An app that others may wait for."""

    service: str
    port: int | None
    """None where it serves none that recon knows of."""
    completes: bool


def dependencies(draft: Draft, others: Mapping[str, Other], image: str) -> list[dict[str, Any]]:
    """The init containers, of an ``image`` with nc."""
    found = []
    for path in draft.each("dependsOn"):
        name, condition = draft.take(*path, "app"), draft.take(*path, "condition", default="Ready")
        other = others.get(name)
        if other is None:
            text = f"{name} is not exported; nothing waits for it"
            draft.note(Fate.LOST, text, *path)
        elif other.completes or condition == "Completed":
            text = (
                f"nothing waits for the end of {name}: first apply it alone, then run kubectl wait "
                f"--for=condition=complete job -l {NAME}={name}"
            )
            draft.note(Fate.TODO, text, *path)
        elif condition == "Started" or other.port is None:
            why = "" if condition == "Started" else ", since it has no port"
            draft.note(Fate.LOST, f"Pods start in any order; nothing waits for {name}{why}", *path)
        else:
            found.append(_waits(name, other.service, other.port, image))
            text = f"each Pod waits, also after a crash of its node, until {name} can be reached"
            draft.note(Fate.DIFFERS, text, *path)
    return found


def _waits(name: str, service: str, port: int, image: str) -> dict[str, Any]:
    return {
        "name": with_digest(f"wait-{name}", {}) if len(name) > _LONGEST else f"wait-{name}",
        "image": image,
        "command": ["sh", "-c", _TO_WAIT, service, str(port)],
    }
