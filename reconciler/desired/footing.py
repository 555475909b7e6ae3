"""What all manifests are read with: the directory's Settings, and the profile in force.

A mistake here concerns every app at once: `profile: prdo`, or a word too many in recon.yaml, would
replace them all. So what held when all was well last is remembered, over the controller's end too,
and stays in force while there is a mistake.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from pydantic import ValidationError

from reconciler.desired.text.locate import place_in_settings
from reconciler.desired.validate import suggestion
from reconciler.model.spec.manifest import SettingsSpec
from reconciler.model.state.desired import Problem, Reason


@dataclass(frozen=True, slots=True)
class Footing:
    """The Settings, and the profile that was merged over the manifests."""

    settings: SettingsSpec
    profile: str | None

    def to_text(self) -> str:
        """As the journal keeps it."""
        settings = self.settings.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return json.dumps({"profile": self.profile, "settings": settings})

    @classmethod
    def from_text(cls, text: str | None) -> Footing | None:
        """What ``to_text`` wrote; None where it cannot be read (any more)."""
        try:
            found = json.loads(text or "")
            profile = found["profile"]
            return cls(SettingsSpec.model_validate(found["settings"]), profile)
        except (ValueError, KeyError, TypeError, ValidationError):
            return None


def unknown_profile(
    wanted: str, known: Collection[str], kept: str, settings: str | None, root: str
) -> Problem:
    """The problem of a profile that no manifest has, where it is asked for: in the file of
    ``settings``, or with an option. ``kept``: what holds meanwhile, a sentence."""
    near = suggestion(wanted, set(known)).removesuffix("?")
    there = f"the manifests have {', '.join(sorted(known))}" if known else ""
    message = f"no manifest has a profile named {wanted}{near}"
    remedy, reason = "; ".join(filter(None, (there, kept))), Reason.UNKNOWN_PROFILE
    if settings is None:
        return Problem(root, 0, 0, "--profile", message, reason=reason, remedy=remedy)
    place = place_in_settings(settings, ("spec", "profile"))
    return Problem(settings, *place, "spec.profile", message, reason=reason, remedy=remedy)
