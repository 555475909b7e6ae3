"""Reads what the controller wrote down of where logs are (``model.host.logcatalog``)."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.model.host.logcatalog import Catalog

SUFFIX = ".json"


def catalogs(state_dir: Path) -> dict[str, Catalog]:
    """By app, of all that have one. Empty where nothing can be read."""
    folder = state_dir / "logs"
    try:
        names = os.listdir(folder)
    except OSError:
        return {}
    return {
        name.removesuffix(SUFFIX): catalog_of(state_dir, name.removesuffix(SUFFIX))
        for name in sorted(names)
        if name.endswith(SUFFIX) and not name.startswith(".")
    }


def catalog_of(state_dir: Path, app: str) -> Catalog:
    """Of one app; an empty one where there is none."""
    try:
        return Catalog.parse((state_dir / "logs" / f"{app}{SUFFIX}").read_bytes())
    except OSError:
        return Catalog()
