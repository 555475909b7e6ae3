"""What all manifests are read with: the directory's Settings, and the profile in force.

A mistake here concerns every app at once: `profile: prdo`, or a word too many in recon.yaml, would
replace them all. So what held when all was well last is remembered, over the controller's end too,
and stays in force while there is a mistake.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from reconciler.desired.directory.last_read import ManifestFile
from reconciler.desired.manifest.validate import suggestion
from reconciler.desired.text.locate import place_in_settings
from reconciler.model.spec.manifest import SettingsSpec
from reconciler.model.spec.notify import NotifyTarget, masked
from reconciler.model.state.desired import Problem, Reason


@dataclass(frozen=True, slots=True)
class Footing:
    """The Settings, and the profile that was merged over the manifests."""

    settings: SettingsSpec
    profile: str | None

    def to_text(self) -> str:
        """As the journal keeps it: without the secrets in addresses of ``notify``, which lies apart
        since a release that does not know it would take the whole for damaged."""
        settings = self.settings.model_dump(mode="json", by_alias=True, exclude_unset=True)
        settings.pop("notify", None)
        notify = [
            masked(target).model_dump(mode="json", by_alias=True, exclude_unset=True)
            for target in self.settings.notify
        ]
        return json.dumps({"profile": self.profile, "settings": settings, "notify": notify})

    @classmethod
    def from_text(cls, text: str | None) -> Footing | None:
        """What ``to_text`` wrote; None where it cannot be read (any more)."""
        try:
            found = json.loads(text or "")
            profile = found["profile"]
            notify = _valid(found.get("notify", []))
            settings = {**found["settings"], **({"notify": notify} if notify else {})}
            return cls(SettingsSpec.model_validate(settings), profile)
        except (ValueError, KeyError, TypeError, RecursionError):
            return None


def _valid(targets: list[Any]) -> list[Any]:
    """The targets that this release can read."""

    def is_valid(target: Any) -> bool:
        try:
            NotifyTarget.model_validate(target)
        except ValidationError:
            return False
        return True

    return [target for target in targets if is_valid(target)]


Files = Mapping[str, ManifestFile]


@dataclass(frozen=True, slots=True)
class InForce:
    """What manifests are read with now, and what is doubtful of it."""

    settings: SettingsSpec = field(default_factory=SettingsSpec)
    profile: str | None = None
    held: Problem | None = None
    """Why no manifest is taken over now: each stays what it was."""
    unknown_profile: Problem | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """Says what manifests are to be read with, from what all files say of it."""

    root: str
    settings_file: str
    requested: str | None = None
    """The profile of an option, which the Settings do not overrule."""
    is_host: bool = True
    """Elsewhere (a base, CI) an unknown profile does no harm."""

    def with_settings(self, now: InForce, settings: SettingsSpec) -> InForce:
        """Other Settings are in force, and with them their profile."""
        return replace(now, settings=settings, profile=self.requested or settings.profile)

    def __call__(
        self, now: InForce, good: Footing | None, files: Files, *, is_first: bool
    ) -> tuple[InForce, Footing | None]:
        """What is in force, and what was good last. ``is_first``: no look has ended yet, so
        that ``now`` is not confirmed."""
        calm = replace(now, held=None, unknown_profile=None)
        wrong = files[self.settings_file].problems if self.settings_file in files else ()
        own = next((one for one in wrong if one.reason is not Reason.UNKNOWN_PROFILE), None)
        if own is not None:
            if good is None:
                return replace(calm, held=own), None
            if is_first:
                profile = self.requested or good.profile
                calm = replace(calm, settings=good.settings, profile=profile)
            return calm, good
        wanted = self.requested or now.settings.profile
        if _has_profile(wanted, files) or self._may_have(wanted, good, files, now.held):
            return replace(calm, profile=wanted), Footing(now.settings, wanted)
        assert wanted is not None
        if not self.is_host:
            unknown = self._unknown(wanted, files, "")
            calm = replace(calm, profile=wanted, unknown_profile=unknown)
            return calm, Footing(now.settings, wanted)
        return self._doubted(calm, wanted, good, files), good

    def _may_have(
        self, wanted: str | None, good: Footing | None, files: Files, held: Problem | None
    ) -> bool:
        """A file that cannot be read may have the profile, if it was there when all was well."""
        if not self.is_host or good is None or good.profile != wanted:
            return False
        return any(set(file.problems) - {held} for file in files.values())

    def _doubted(self, calm: InForce, wanted: str, good: Footing | None, files: Files) -> InForce:
        """Stay with the last good profile or, where that is gone, with what every file was."""
        if good is not None and good.profile != wanted and _has_profile(good.profile, files):
            kept = f"the last good profile ({good.profile or 'none'}) stays in force"
            unknown = self._unknown(wanted, files, kept)
            return replace(calm, profile=good.profile, unknown_profile=unknown)
        kept = "nothing new is started" if good is None else "all apps stay as they were"
        problem = self._unknown(wanted, files, kept)
        return replace(calm, held=problem, unknown_profile=problem)

    def _unknown(self, wanted: str, files: Files, kept: str) -> Problem:
        """The problem of a profile that no manifest has, where it is asked for: in the Settings, or
        with an option. ``kept``: what holds meanwhile, a sentence."""
        known = {name for file in files.values() for name in file.profiles}
        there = f"the manifests have {', '.join(sorted(known))}" if known else ""
        near = suggestion(wanted, known).removesuffix("?")
        message = f"no manifest has a profile named {wanted}{near}"
        remedy, reason = "; ".join(filter(None, (there, kept))), Reason.UNKNOWN_PROFILE
        if self.requested:
            return Problem(self.root, 0, 0, "--profile", message, reason=reason, remedy=remedy)
        file, place = self.settings_file, place_in_settings(self.settings_file, ("spec", "profile"))
        return Problem(file, *place, "spec.profile", message, reason=reason, remedy=remedy)


def _has_profile(profile: str | None, files: Files) -> bool:
    return profile is None or any(profile in file.profiles for file in files.values())
