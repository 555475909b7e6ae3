"""`recon apply --target`: hand what is declared over to an engine, and wait until it is ready."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from reconciler.api.documents.plan import fields_sought, placed
from reconciler.api.documents.status import change_document, status_of
from reconciler.cli.framework.errors import ERROR, OK, CliError
from reconciler.cli.framework.options import Where, one_of
from reconciler.cli.framework.output import print_json
from reconciler.cli.verbs.change import review
from reconciler.cli.verbs.declare.exporting import notes_document, report_lines
from reconciler.cli.verbs.elsewhere.engine import declared, engine
from reconciler.desired.text.places import places
from reconciler.model.state.plan import Health
from reconciler.render.status import is_settled, status_table
from reconciler.render.terminal import colours, room
from reconciler.targets.engine import Engine, View

_EVERY = 1.0


def plan(
    place: Where, target: str, output: str, *, prune: bool, force: bool, detailed: bool
) -> int:
    """`apply --dry-run`: nothing changes there. The exit code."""
    one_of("--output", output, review.FORMATS)
    desired = declared(place, with_secrets=False)
    with engine(target) as there:
        view = there.look(desired, None, prune=prune, force=force)
        return _print(there, view, place, output, detailed=detailed)


def apply(
    place: Where,
    target: str,
    output: str,
    *,
    prune: bool,
    force: bool,
    detailed: bool,
    limit: float,
) -> int:
    """Hand it over, then wait. With a mistake in a file nothing is sent."""
    one_of("--output", output, review.FORMATS)
    desired = declared(place, with_secrets=True)
    with engine(target) as there:
        view = there.look(desired, None, prune=prune, force=force)
        code = _print(there, view, place, output, detailed=detailed)
        if view.changes.problems:
            print(f"\nNothing was sent to {there.name}.", file=sys.stderr)
            return ERROR
        held = [one.app for one in view.changes.apps if one.change.held and one.desired]
        if held:
            raise CliError(
                f"nothing was sent to {there.name}: others own fields of {', '.join(held)}; "
                "leave them out of the manifest, or use --force-conflicts"
            )
        there.apply(desired, None, view)

        return _wait(there, lambda: there.look(desired, None, prune=False), limit) or code


def _print(there: Engine, view: View, place: Where, output: str, *, detailed: bool) -> int:
    sought = fields_sought(view.changes, place.profile)
    document = change_document(view.changes, placed(sought, places(sought)))
    notes = notes_document(view.notes)
    document = {**document, "target": there.name, "notes": notes}
    if output == "json":
        print_json(document)
    else:
        print(review.printed(document, output))
    sys.stdout.flush()
    for line in report_lines(view.notes, (), ()) if view.notes and output != "json" else ():
        print(line, file=sys.stderr)
    return review.exit_code(document, detailed=detailed)


def _wait(there: Engine, look: Callable[[], View], limit: float) -> int:
    """Until all is Synced and well: 0. CliError where that cannot be, or is not in time."""
    began, shown = time.monotonic(), ""
    while True:
        view = look()
        rows = [status_of(one, {}, 0.0, 0.0) for one in view.statuses]
        pending = [row for row in rows if not is_settled(row)]
        if not pending:
            print(f"All is ready on {there.name}.", file=sys.stderr)
            return OK
        late = time.monotonic() - began > limit
        stuck = {one.app for one in view.changes.apps if one.change.held}
        stuck |= {one.name for one in view.statuses if one.health is Health.DEGRADED}
        text = "\n".join(status_table({"apps": pending}, columns=room(), colour=colours()))
        if text != shown:
            print(text, file=sys.stderr, flush=True)
            shown = text
        names = [row["name"] for row in pending]
        if late or stuck.issuperset(names):
            why = "not ready in time" if late else "waiting for a person"
            raise CliError(f"{', '.join(names)}: {why}; `recon status` says for what")
        time.sleep(_EVERY)
