"""The layers of a spec: the directory's defaults, the manifest, a profile over both.

Maps merge, everything else replaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(under: Any, over: Any) -> Any:
    """``over`` laid on ``under``."""
    if not (isinstance(under, Mapping) and isinstance(over, Mapping)):
        return over
    result = dict(under)
    for name, value in over.items():
        result[name] = merged(result[name], value) if name in result else value
    return result


def spec_of(
    written: Mapping[str, Any], defaults: Mapping[str, Any], profile: str | None
) -> dict[str, Any]:
    """The spec as data, less its profiles. What is not a map is left for validation to tell."""
    profiles = written.get("profiles")
    spec: dict[str, Any] = merged(defaults, written)
    spec.pop("profiles", None)
    if profile is not None and isinstance(profiles, Mapping) and profile in profiles:
        spec = merged(spec, profiles[profile] or {})
    return spec
