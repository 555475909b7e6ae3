"""`recon rollout history`: the revisions that are remembered, and what each changed.

Read from the journal, whether or not a controller runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from reconciler.api.documents.iso import iso
from reconciler.api.documents.status import FORMAT_VERSION
from reconciler.cli.framework.controller import unknown_app
from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import OK, CliError, usage
from reconciler.cli.framework.options import (
    Manifests,
    StateDir,
    TableOrJson,
    Where,
    one_of,
    where,
    whole_number,
)
from reconciler.cli.framework.output import print_json
from reconciler.cli.verbs.elsewhere.target import TargetOption, elsewhere
from reconciler.desired.edits.undo import numbered
from reconciler.desired.text.undo import UndoError, template_at
from reconciler.diff.core import history as revisions
from reconciler.diff.status.fields import template_changes
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.revision import Revision
from reconciler.render.describe import tree
from reconciler.render.formats import clock
from reconciler.render.table import Cell, table
from reconciler.render.terminal import colours, plain, room
from reconciler.state.journal.journal import Journal
from reconciler.system.clock import boot_id


def history(
    apps: Annotated[list[str], Argument(metavar="APP", show_default=False)],
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    revision: Annotated[
        str | None, Option("--revision", metavar="N", help="Show this one in full.")
    ] = None,
    output: TableOrJson = "table",
    target: TargetOption = None,
) -> int:
    """Show the revisions of an app: when, how they fared, what changed.

    Works with and without a controller.
    """
    one_of("--output", output, ("table", "json"))
    number = None if revision is None else whole_number("--revision", revision, least=1)
    if len(apps) > 1 and (number is not None or output == "json"):
        raise usage("one app at a time, with --revision or -o json")
    place = where(manifests, state_dir)
    there = elsewhere(place, target)
    for name in apps:
        if there:
            document = _there(there, name)
        else:
            memory = remembered(place, name)
            document = document_of(name, memory)
            if number is not None:
                _check(memory, number)
        if number is not None:
            rows = [row for row in document["revisions"] if row["number"] == number]
            document = {**document, "revisions": rows}
        if output == "json":
            print_json(document)
        else:
            print("\n".join(_text(document) if number is None else _in_full(document)))
    return OK


def _there(target: str, app: str) -> dict[str, Any]:
    from reconciler.cli.verbs.elsewhere import rollout as beyond  # noqa: PLC0415  heavy

    return beyond.history(target, app)


def remembered(place: Where, name: str) -> AppMemory:
    """What the journal holds of an app. CliError where that is nothing."""
    journal = Journal.open_readonly(place.paths.database, boot_id())
    memories = journal.memories() if journal else {}
    if journal is not None and not memories and journal.state.message:
        raise CliError(journal.state.text)
    if name not in memories or not memories[name].revisions:
        if memories and name not in memories:
            raise CliError(unknown_app(name, memories))
        raise CliError(f'no rollout history found for app "{name}"')
    return memories[name]


def _check(memory: AppMemory, number: int) -> None:
    """CliError (kubectl's words) where there is no such revision."""
    try:
        numbered(memory.revisions, number)
    except UndoError as error:
        raise CliError(str(error)) from None


def document_of(name: str, memory: AppMemory) -> dict[str, Any]:
    """`rollout history -o json`."""
    rows = []
    for index, revision in enumerate(memory.revisions):
        before = memory.revisions[index - 1] if index else None
        rows.append(
            {
                "number": revision.number,
                "createdAt": iso(revision.created_at),
                "state": state_of(memory, revision),
                "failed": _why_failed(memory, revision),
                "changes": [change.path for change in template_changes(before, revision)],
                "template": _template(revision),
                "secrets": sorted(revision.marks),
            }
        )
    return {"formatVersion": FORMAT_VERSION, "app": name, "revisions": rows}


def state_of(memory: AppMemory, revision: Revision) -> str:
    """``failed``, ``running``, ``rolling out``, ``paused``, ``canary``, ``good``, ``superseded``.

    ``running`` is the one that should run and was good; after a failure that is an earlier one.
    """
    aim = revisions.target(memory)
    if revision.failed:
        return "failed"
    given_up = revision.number in memory.given_up and not revision.good
    if given_up and revision.number != memory.revisions[-1].number:
        return "failed"  # it was tried again, and another one came before it was good
    if aim is not None and aim.number == revision.number:
        if revision.good:
            return "running"
        if memory.paused:
            return "paused"
        return "canary" if memory.canary == revision.number else "rolling out"
    return "good" if revision.good else "superseded"


def _why_failed(memory: AppMemory, revision: Revision) -> str | None:
    known = memory.given_up.get(revision.number)
    if revision.failed or known is None or state_of(memory, revision) != "failed":
        return revision.failed
    return known.message


def _text(document: Mapping[str, Any]) -> list[str]:
    rows: list[list[str | Cell]] = []
    for row in document["revisions"]:
        state = f"failed: {row['failed']}" if row["failed"] else row["state"]
        colour = "red" if row["failed"] else "green" if row["state"] == "running" else ""
        changes = ", ".join(row["changes"]) or "-"
        rows.append([str(row["number"]), clock(row["createdAt"]), changes, Cell(state, colour)])
    header = ["REVISION", "WHEN", "CHANGE", "STATE"]  # a reason of STATE is long: it goes last
    lines = table(header, rows, columns=room(), colour=colours(), below=True)
    return [f"app/{document['app']}", *lines]


def _in_full(document: Mapping[str, Any]) -> list[str]:
    """kubectl's form: the template below the number."""
    (row,) = document["revisions"]
    lines = [f"app/{document['app']} with revision #{row['number']}"]
    lines += ["Template:", *tree(row["template"], "  ")]
    if row["secrets"]:
        lines += ["Secrets:", *(f"  {plain(name)}=***" for name in row["secrets"])]
    return lines


def _template(revision: Revision) -> Mapping[str, Any]:
    try:
        return template_at(revision)
    except UndoError:  # of another release: as it is remembered, in full
        return revision.spec
