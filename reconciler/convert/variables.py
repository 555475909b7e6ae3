"""Variables of an environment that a manifest can hold; the others are told, never their values."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.convert.manifests.draft import Draft, Fate
from reconciler.desired.manifest.validate import validate
from reconciler.model.spec.manifest import AppSpec


def acceptable(variables: Mapping[str, str], key: str, draft: Draft) -> dict[str, str]:
    """Those that the model takes (names, no NUL bytes, none of recon's own)."""
    found = {}
    for name, value in variables.items():
        refused = validate(AppSpec, {"command": ["any"], "env": {name: value}})
        if isinstance(refused, AppSpec):
            found[name] = value
        else:
            draft.note(Fate.LOST, f"{key}.{name}"[:80], refused[0].text)
    return found
