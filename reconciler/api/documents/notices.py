"""How notifications go, as JSON: `recon notify -o json`. Nothing secret of an address is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.api.documents.iso import iso
from reconciler.model.spec.notify import NotifyTarget, masked
from reconciler.model.words.closest import closest
from reconciler.state.notices import TargetRecord

FORMAT_VERSION = 1


def notices_document(
    targets: Mapping[str, NotifyTarget],
    records: Mapping[str, TargetRecord],
    waiting: Mapping[str, int],
    process: tuple[int, str] = (0, ""),
) -> dict[str, Any]:
    """All by the target's name. ``process``: pid of the one that sends, and why it has ended."""
    pid, message = process
    return {
        "formatVersion": FORMAT_VERSION,
        "process": {"pid": pid or None, "message": message or None},
        "targets": [
            _target(name, one, records.get(name, TargetRecord()), waiting.get(name, 0))
            for name, one in targets.items()
        ],
    }


def troubles_document(
    records: Mapping[str, TargetRecord], process: tuple[int, str]
) -> list[dict[str, str]]:
    """What `recon status` says of notifications: the targets that fail now."""
    found = [
        {"target": name, "message": record.last_error}
        for name, record in records.items()
        if record.is_failing
    ]
    return [*found, {"target": "", "message": process[1]}] if process[1] else found


def unknown_target(name: str, known: Sequence[str]) -> str:
    """A sentence for a name that no target has, or for a list without targets."""
    if not known:
        return "no target is declared; `recon explain Settings.spec.notify` shows how"
    close = closest(name, known)
    hint = f"did you mean {close}?" if close else f"there are {', '.join(known)}"
    return f"there is no target named {name[:80]}; {hint}"


def _target(name: str, target: NotifyTarget, record: TargetRecord, waiting: int) -> dict[str, Any]:
    times = {
        "lastSentAt": record.last_sent_at,
        "lastErrorAt": record.last_error_at,
        "nextTryAt": record.next_at,
    }
    return {
        "name": name,
        "kind": target.kind,
        "address": _address(masked(target)),
        "reasons": [*target.reasons],
        "apps": [*target.apps],
        "severity": target.severity,
        "waiting": waiting,
        "sent": record.sent,
        "givenUp": record.given_up,
        "dropped": record.dropped,
        "failing": record.is_failing,
        "lastError": record.last_error or None,
        **{key: iso(at) if at is not None else None for key, at in times.items()},
    }


def _address(target: NotifyTarget) -> str:
    """A file, a program, or a masked URL."""
    if target.command is not None:
        return target.command[0]
    return target.url or target.url_file or target.webhook or target.webhook_file or ""
