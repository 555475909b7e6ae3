"""`recon rollout` and `recon restart` with `--target`: the engine's own rollouts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from reconciler.api.documents.iso import iso
from reconciler.cli.framework.errors import OK
from reconciler.cli.framework.options import Where
from reconciler.cli.verbs.elsewhere.engine import chosen, declared, engine
from reconciler.model.state.desired import DesiredApp
from reconciler.targets.engine import Past

FORMAT_VERSION = 1


def history(target: str, app: str) -> dict[str, Any]:
    """`rollout history -o json`."""
    with engine(target) as there:
        pasts = there.history(app)
    rows = [_row(one, before) for before, one in zip((None, *pasts), pasts, strict=False)]
    return {"formatVersion": FORMAT_VERSION, "app": app, "target": target, "revisions": rows}


def undo(place: Where, target: str, apps: Iterable[str], revision: int) -> int:
    """Back to an earlier revision. The manifest stays as it is, which the user is told."""
    names = chosen(declared(place, with_secrets=False), [*apps]) or ()
    with engine(target) as there:
        for name in names:
            number = there.undo(name, revision)
            print(f"app/{name} rolled back to revision {number} on {there.name}")
    print("The manifests are unchanged, so the next apply goes forward: take the edit back there.")
    return OK


def restart(place: Where, target: str, apps: Collection[str]) -> int:
    """Replace the instances of these apps; of all, where none was named."""
    desired = declared(place, with_secrets=False)
    every = [name for name, app in desired.apps.items() if isinstance(app, DesiredApp)]
    names = chosen(desired, apps) or every
    with engine(target) as there:
        for name in names:
            there.restart(name)
            print(f"app/{name} restarted on {there.name}")
    return OK


def pause(target: str, apps: Iterable[str], *, paused: bool) -> int:
    """Hold rollouts, or let them go on."""
    with engine(target) as there:
        for name in apps:
            there.pause(name, paused=paused)
            print(f"app/{name} {'paused' if paused else 'resumed'} on {there.name}")
    return OK


def _row(one: Past, before: Past | None) -> dict[str, Any]:
    return {
        "number": one.number,
        "createdAt": iso(one.created_at),
        "state": one.state,
        "failed": None,
        "changes": _changed(before.template, one.template) if before else [],
        "template": one.template,
        "secrets": [],
    }


def _changed(before: Any, after: Any, path: str = "") -> list[str]:
    """The paths that differ; a list counts as one value but for the first container's keys."""
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        keys = dict.fromkeys((*before, *after))
        inner = (f"{path}.{key}".lstrip(".") for key in keys)
        pairs = zip(keys, inner, strict=True)
        return [one for key, at in pairs for one in _changed(before.get(key), after.get(key), at)]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        numbered = enumerate(zip(before, after, strict=True))
        return [one for n, (a, b) in numbered for one in _changed(a, b, f"{path}[{n}]")]
    return [path]
