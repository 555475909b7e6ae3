"""`recon apply --dry-run`: the plan, always made here, whether or not a controller runs.

Against the live host, or (``--base REV``) against the manifests at a revision in git, taken as
if they ran: for a review where nothing runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from reconciler.api.documents.plan import fields_sought, placed
from reconciler.api.documents.status import change_document, has_changes
from reconciler.cli.framework.errors import CHANGES, ERROR, OK, CliError
from reconciler.cli.framework.offline import View, look
from reconciler.cli.framework.options import Confirmed, Where
from reconciler.desired.git.base import RepositoryError, review_of
from reconciler.desired.text.places import places
from reconciler.diff.as_if_running import as_observed
from reconciler.diff.prune import CLEAN_SCANS, absences
from reconciler.model.state.builder import built_by
from reconciler.observed.host.facts import gather
from reconciler.render.plan import plan_markdown, plan_text
from reconciler.render.terminal import colours, room
from reconciler.state.paths import secret_key
from reconciler.system.clock import boot_now
from reconciler.system.work.look import patiently

FORMATS = ("text", "json", "markdown")


def document_of(view: View, profile: str | None) -> dict[str, Any]:
    """The change document of what was looked at, each field with its place."""
    made = view.changes()
    sought = fields_sought(made, profile or view.desired.settings.profile)
    return change_document(made, placed(sought, places(sought)))


def live(place: Where, confirmed: Confirmed) -> dict[str, Any]:
    """The change document against the host as it is."""
    return document_of(look(place, confirmed), place.profile)


def against(place: Where, revision: str, confirmed: Confirmed) -> dict[str, Any]:
    """The change document against the manifests at a revision in git.

    Neither side is checked against this host, nor is its room: a review runs where the programs
    need not be.
    """
    root = Path(os.path.realpath(place.manifests))  # as git sees it
    # Secrets are compared by keyed hashes; here any key does, as long as both sides use it.
    key = secret_key(place.paths) or os.urandom(32)
    try:
        review = partial(review_of, root, revision, profile=place.profile, key=key)
        found = patiently(partial(review, cores=gather().cores))
    except RepositoryError as error:
        raise CliError(str(error)) from None
    now = boot_now()
    observed, memory = as_observed(found.before, now)
    known = {n: app.source.file for n, app in found.before.apps.items() if built_by(n) is None}
    gone = dict.fromkeys(known.keys() - found.after.apps.keys(), CLEAN_SCANS)
    verdicts = absences(found.after, known, gone, confirmed=confirmed.prune)
    for note in (found.note, *(f"in the base: {problem}" for problem in found.before.problems)):
        if note:
            print(note, file=sys.stderr)
    document = document_of(View(found.after, observed, memory, verdicts, now), place.profile)
    return {**document, "base": {"revision": revision, "commit": found.commit}}


def printed(document: Mapping[str, Any], form: str) -> str:
    """The document as text or in Markdown."""
    if form == "markdown":
        return "\n".join(plan_markdown(document))
    return "\n".join(plan_text(document, columns=room(), colour=colours()))


def exit_code(document: Mapping[str, Any], *, detailed: bool) -> int:
    """1 where a manifest is wrong; with ``detailed`` 2 where anything would change."""
    if document["errors"]:
        return ERROR
    return CHANGES if detailed and has_changes(document) else OK
