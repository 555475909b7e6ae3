"""Notifications where no controller runs: from the manifests and the journal."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from functools import partial
from typing import Any

from reconciler.api.documents.notices import notices_document, unknown_target
from reconciler.cli.framework.errors import CliError
from reconciler.cli.framework.offline import scan
from reconciler.cli.framework.options import Where
from reconciler.model.spec.notify import NotifyTarget, named
from reconciler.notify.attempt import attempt
from reconciler.notify.deliver import deliver
from reconciler.notify.message import for_test, message_document
from reconciler.notify.target import Target
from reconciler.state.journal.journal import Journal
from reconciler.state.notices import SETTING, Remembered
from reconciler.system.clock import boot_id


def overview(place: Where) -> dict[str, Any]:
    """What `recon notify` shows: what waits is sent by the next controller."""
    targets = named(scan(place).settings.notify)
    journal = Journal.open_readonly(place.paths.database, boot_id())
    if journal is None:
        return notices_document(targets, {}, {})
    known = Remembered.from_text(journal.setting(SETTING))
    waiting = Counter(notice.target for notice in journal.outbox().values())
    journal.close()
    return notices_document(targets, known.records, waiting)


def tested(place: Where, names: list[str]) -> list[dict[str, Any]]:
    """Send a test message from this process, as this user. CliError for unknown names."""
    desired = scan(place)
    wrong = next((one for one in desired.problems if one.path.startswith("spec.notify")), None)
    if wrong is not None:
        raise CliError(str(wrong))
    targets = named(desired.settings.notify)
    unknown = next((name for name in names if name not in targets), None)
    if unknown is not None or not targets:
        raise CliError(unknown_target(unknown or "", [*targets]))
    return asyncio.run(_all(place, {name: targets[name] for name in names or targets}))


async def _all(place: Where, targets: dict[str, NotifyTarget]) -> list[dict[str, Any]]:
    errors = await asyncio.gather(*(_one(place, name, one) for name, one in targets.items()))
    return [
        {"target": name, "error": error or None}
        for name, error in zip(targets, errors, strict=True)
    ]


async def _one(place: Where, name: str, spec: NotifyTarget) -> str:
    target, host = Target.of(name, spec, str(place.manifests)), socket.gethostname()
    message = message_document(for_test(name, host), host)
    return (await attempt(target, partial(deliver, target, message))).error
