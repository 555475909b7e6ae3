"""The name of the Job that builds an app."""

from __future__ import annotations

_SUFFIX = ":build"
"""No name in a manifest can hold a colon."""


def builder_name(app: str) -> str:
    """The name of the Job that builds an app: that of its logs, too."""
    return app + _SUFFIX


def built_by(name: str) -> str | None:
    """The app that the Job of this name builds; None where it is not a builder."""
    return name.removesuffix(_SUFFIX) if name.endswith(_SUFFIX) else None
