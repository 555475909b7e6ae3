"""``-l tier=api,env!=dev``: apps by their labels.

Labels are read from the manifests, which say them, whether or not a controller runs.
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.cli.framework.errors import usage
from reconciler.cli.framework.offline import scan
from reconciler.cli.framework.options import Where
from reconciler.model.words import selector
from reconciler.model.words.selector import Labels


def parse(text: str) -> Callable[[Labels], bool]:
    """Whether labels fulfil the selector; a usage error where it is none."""
    try:
        return selector.parse(text)
    except ValueError as error:
        raise usage(f"--selector {error}") from None


def matching(place: Where, text: str) -> set[str]:
    """The names of the apps whose labels fulfil the selector."""
    fulfils = parse(text)
    apps = scan(place).apps.values()
    return {app.name for app in apps if fulfils(app.labels)}
