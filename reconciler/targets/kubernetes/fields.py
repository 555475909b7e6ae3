"""Which fields of an object would change: what is there, beside what the server would make of it.

The server fills in its defaults on both sides, and keeps what others own. So what differs is what
an apply would do, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reconciler.model.state.plan import FieldChange
from reconciler.model.words.fields import Effect
from reconciler.model.words.mask import MASK
from reconciler.targets.kubernetes.client import Object

_SERVERS = {
    "managedFields",
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
    "selfLink",
}
"""Of the metadata what the server writes."""

_CONTAINER = r"spec\.template\.spec\.containers\[[^\]]*\]\."
_WORDS = (
    (r"spec\.(?:replicas|parallelism|completions)", "instances"),
    (r"spec\.minReadySeconds", "minReadySeconds"),
    (r"spec\.progressDeadlineSeconds", "progressDeadlineSeconds"),
    (r"spec\.(schedule|timeZone|suspend|concurrencyPolicy|startingDeadlineSeconds)", r"\1"),
    (r"spec\.template\.spec\.terminationGracePeriodSeconds", "terminationGracePeriodSeconds"),
    (_CONTAINER + r"(image|command)", r"\1"),
    (_CONTAINER + r"env\[([^\]]*)\](?:\.value)?", r"env.\1"),
    (_CONTAINER + r"((?:liveness|readiness|startup)Probe.*)", r"\1"),
    (_CONTAINER + r"resources\.limits\.cpu", "limits.cpu"),
    (_CONTAINER + r"resources\.limits\.memory", "limits.memoryHard"),
    (_CONTAINER + r"resources\.requests\.memory", "limits.memory"),
)
"""Paths of objects that are a field of the manifest, by another name or the same."""


def differences(kind: str, live: Object, made: Object) -> list[FieldChange]:
    """The fields, with the manifest's path where it has one of the same meaning. Values of Secrets
    are masked."""
    found: dict[str, FieldChange] = {}
    for path, before, after in _walk("", _plain(live), _plain(made)):
        shown = _manifests(kind, path)
        is_secret = kind == "Secret" and path.startswith(("data", "stringData"))
        shows = _masked if is_secret else _shown
        replaces = path.startswith("spec.template.") and kind == "Deployment"
        effect = Effect.REPLACES if replaces else Effect.IN_PLACE
        found.setdefault(shown, FieldChange(shown, shows(before), shows(after), effect))
    return [*found.values()]


def _masked(value: Any) -> str | None:
    return None if value is None else MASK


def _shown(value: Any) -> Any:
    return value


def _plain(one: Object) -> Object:
    """Without the status, and what the server itself writes."""
    metadata = {key: value for key, value in one["metadata"].items() if key not in _SERVERS}
    return {**{k: v for k, v in one.items() if k != "status"}, "metadata": metadata}


def _walk(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            inner = f"{path}.{key}" if path else str(key)
            yield from _walk(inner, before.get(key), after.get(key))
    elif _are_named(before) and _are_named(after):
        old, new = ({one["name"]: one for one in side} for side in (before, after))
        for name in dict.fromkeys((*old, *new)):
            yield from _walk(f"{path}[{name}]", _value(old.get(name)), _value(new.get(name)))
    else:
        yield path, before, after


def _are_named(items: Any) -> bool:
    """A list whose items have names, each once: containers, variables, ports, volumes."""
    if not isinstance(items, list) or not all(isinstance(i, dict) and "name" in i for i in items):
        return False
    return len({one["name"] for one in items}) == len(items)


def _value(item: Any) -> Any:
    """A variable is its text, so that one that is new has a value to show."""
    return item["value"] if isinstance(item, dict) and item.keys() == {"name", "value"} else item


def _manifests(kind: str, path: str) -> str:
    inner = path.removeprefix("spec.jobTemplate.") if kind == "CronJob" else path
    for pattern, word in _WORDS:
        if kind in ("Deployment", "Job", "CronJob") and (found := re.fullmatch(pattern, inner)):
            return found.expand(word)
    return f"{kind}.{path}"
