"""Of which events a target is notified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.diff.notices.problems import DEFAULTS
from reconciler.model.spec.notify import NotifyTarget
from reconciler.model.state.event import Event
from reconciler.model.state.reason import OF_NOTIFICATIONS
from reconciler.model.words.appmatch import AppMatch


@dataclass(frozen=True, slots=True)
class Selection:
    """The filter of one target."""

    reasons: frozenset[str]
    apps: tuple[AppMatch, ...]
    severity: str | None

    @classmethod
    def of(cls, target: NotifyTarget) -> Selection:
        apps = tuple(AppMatch.parse(text) for text in target.apps)
        return cls(frozenset(target.reasons), apps, target.severity)

    @property
    def is_default(self) -> bool:
        """Problems only."""
        return not self.reasons and self.severity is None

    def concerns(self, app: str, labels: Mapping[str, str]) -> bool:
        """Whether this app is one of its apps; ``""`` is recon itself."""
        if not self.apps:
            return True
        return bool(app) and any(one.matches(app, labels) for one in self.apps)

    def wants(self, event: Event) -> bool:
        """Whether an event of such an app is worth a message."""
        if event.reason in OF_NOTIFICATIONS:
            return False
        severe = self.severity != "Warning" or event.type == "Warning"
        if self.reasons:
            return severe and event.reason in self.reasons
        if self.severity is not None:
            return severe
        return event.reason in DEFAULTS and event.type == "Warning"
