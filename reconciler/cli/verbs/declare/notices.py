"""`recon validate` on notifications: targets that nothing can be sent to, and open secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reconciler.checks.secret_permissions import exposure
from reconciler.desired.text.locate import place_in_settings
from reconciler.model.spec.notify import NotifyTarget, named
from reconciler.model.state.desired import Problem
from reconciler.notify.check import fault_of
from reconciler.notify.target import Target

_FIELDS = ("url", "url_file", "webhook", "webhook_file", "command")


def faults(
    root: Path, settings_file: str, targets: tuple[NotifyTarget, ...], *, host: bool
) -> Iterator[Problem]:
    """What is wrong with each target, at its place."""
    for index, (name, one) in enumerate(named(targets).items()):
        fault = fault_of(Target.of(name, one, str(root)), host=host)
        if fault is not None:
            path = ("spec", "notify", index, _field(one))
            place = place_in_settings(settings_file, path)
            shown = ".".join(map(str, path))
            yield Problem(settings_file, *place, shown, fault.message, remedy=fault.remedy)


def advice(
    root: Path, settings_file: str, targets: tuple[NotifyTarget, ...]
) -> Iterator[dict[str, Any]]:
    """Passwords and tokens that other users of this host can read."""
    for index, (name, one) in enumerate(named(targets).items()):
        target = Target.of(name, one, str(root))
        file = target.url_file or target.webhook_file
        message = exposure(file or settings_file) if one.command is None else ""
        if message and file is None:
            message = f"an address may hold a password or token: write it into a file; {message}"
        if message:
            path = ("spec", "notify", index, _field(one))
            line, column = place_in_settings(settings_file, path)
            place = {"file": settings_file, "line": line, "column": column}
            yield {**place, "path": ".".join(map(str, path)), "message": message}


def _field(target: NotifyTarget) -> str:
    """The field that says where messages go, as it is written."""
    name = next(field for field in _FIELDS if getattr(target, field) is not None)
    return NotifyTarget.model_fields[name].alias or name
