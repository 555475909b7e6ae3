"""One field of an app set in its manifest: what `recon scale`, `suspend` and `resume` do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reconciler.desired.text import yaml
from reconciler.desired.text.edit import EditError, set_field
from reconciler.desired.text.locate import declarations
from reconciler.desired.text.yaml import Path
from reconciler.model.state.desired import DesiredApp, Workload

Field = Literal["instances", "suspend"]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """The edit that is wanted."""

    app: str
    file: str
    field: Field
    value: int | str | bool
    profile: str | None = None
    """The one in force: where it sets the field, it is edited there."""

    def edited(self, text: bytes) -> bytes:
        """``text``, the file, with the field set. EditError."""
        return set_field(text, self.app, self._path(text), self.value)

    def _path(self, text: bytes) -> Path:
        if self.profile is not None:
            path: Path = ("spec", "profiles", self.profile, self.field)
            try:
                documents = yaml.parse(yaml.decode(text))
            except yaml.Fault as fault:
                message = f"line {fault.line}: {fault}; fix the file first"
                raise EditError(message) from None
            if any(path in one.marks for one in declarations(documents, self.app)):
                return path
        return ("spec", self.field)


def is_set(app: Workload, field: Field, value: int | str | bool) -> bool:
    """Whether an app has this value already, as it is written: `max` is no number."""
    by_cores = app.by_cores if isinstance(app, DesiredApp) and field == "instances" else ""
    return bool((by_cores or getattr(app.spec, field)) == value)
