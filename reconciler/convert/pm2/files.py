"""`recon import pm2 FILE…`: the drafts of several ecosystem files."""

from __future__ import annotations

import os
from collections.abc import Sequence

from reconciler.convert.host import Host
from reconciler.convert.manifests.draft import Draft, Note
from reconciler.convert.pm2.app import draft_of
from reconciler.convert.pm2.ecosystem.config import read


def drafts_of(
    files: Sequence[str], host: Host, *, cwd: str | None = None, also: Sequence[str] = ()
) -> tuple[list[Draft], dict[str, tuple[Note, ...]]]:
    """The drafts, and the notes on each file. Raises ImportFault.

    PM2 takes relative paths from where `pm2 start` is typed; that is ``cwd``, or else the folder
    of each file, where people type it.
    """
    drafts: list[Draft] = []
    notes: dict[str, tuple[Note, ...]] = {}
    for name in files:
        file = os.path.abspath(name)
        folder = os.path.abspath(cwd) if cwd is not None else os.path.dirname(file)
        config = read(file, host, cwd=folder, also=also)
        notes[file] = config.notes
        drafts += [
            draft_of(app, file, number, host, cwd=folder, inherited=config.inherited)
            for number, app in enumerate(config.apps, start=1)
        ]
    return drafts, notes
