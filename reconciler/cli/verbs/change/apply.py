"""`recon apply`: validate all, print the plan, have it converged, wait until all is well."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Annotated

from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import ERROR, INTERRUPTED, OK, CliError, usage
from reconciler.cli.framework.options import (
    Confirmed,
    DetailedExitcode,
    Manifests,
    Profile,
    StateDir,
    Where,
    formats,
    one_of,
    seconds,
    where,
)
from reconciler.cli.framework.output import print_json
from reconciler.cli.verbs.elsewhere.target import TargetOption, elsewhere

if TYPE_CHECKING:
    from reconciler.cli.framework.background import Held


def apply(
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Print the plan, do nothing.")] = False,
    watch: Annotated[
        bool, Option("--watch", "-w", help="With --dry-run: again at each save.")
    ] = False,
    base: Annotated[
        str | None,
        Option("--base", metavar="REV", help="Compare with this git revision, not the host."),
    ] = None,
    output: Annotated[str, formats("text", "json", "markdown")] = "text",
    detailed_exitcode: DetailedExitcode = False,
    confirm_prune: Annotated[
        bool, Option("--confirm-prune", help="Confirm the removals that wait.")
    ] = False,
    confirm_load: Annotated[
        bool, Option("--confirm-load", help="Confirm the instances that wait.")
    ] = False,
    timeout: Annotated[
        str, Option("--timeout", metavar="DURATION", help="Stop waiting after this time.")
    ] = "10m",
    target: TargetOption = None,
    force_conflicts: Annotated[
        bool, Option("--force-conflicts", help="With --target: take fields over from others.")
    ] = False,
) -> int:
    """Carry out what the manifests say, and wait until all is ready.

    Validates everything first and prints the plan; with a mistake in a file nothing is applied.
    Starts the controller in the background if
    none runs. Exits with 0 only when everything is ready.
    """
    if base is not None and not dry_run:
        raise usage("--base compares two sets of manifests, so it needs --dry-run")
    if watch and not dry_run:
        raise usage("--watch needs --dry-run; a controller that runs applies each save by itself")
    limit = seconds("--timeout", timeout)
    place = where(manifests, state_dir, profile)
    confirmed = Confirmed(confirm_prune, confirm_load)
    there = elsewhere(place, target) if base is None else None
    if force_conflicts and not there:
        raise usage("--force-conflicts is for an engine; write --target, too")
    if there and watch:
        raise usage("--watch is for this host; with --target each plan is asked of the engine")
    if there:
        from reconciler.cli.verbs.elsewhere import apply as beyond  # noqa: PLC0415  heavy

        how = {"prune": confirm_prune, "force": force_conflicts, "detailed": detailed_exitcode}
        if dry_run:
            return beyond.plan(place, there, output, **how)
        return beyond.apply(place, there, output, **how, limit=limit)
    if watch:
        return _plan_on_save(place, base, output, confirmed)
    if dry_run:
        return _plan(place, base, output, confirmed, detailed_exitcode)
    from reconciler.cli.framework import background  # noqa: PLC0415  not for a dry run

    with background.early(place) as held:
        planned = _plan(place, None, output, confirmed, detailed_exitcode)
        if planned == ERROR:
            print("\nNothing was applied. The running apps are unchanged.", file=sys.stderr)
            return ERROR
        # stdout has the document only; the progress goes to stderr.
        beside = nullcontext() if output == "text" else redirect_stdout(sys.stderr)
        with beside:
            return _carry_out(place, held, limit, confirmed) or planned


def _plan_on_save(place: Where, base: str | None, output: str, confirmed: Confirmed) -> int:
    """Print the plan now and after each save, until Ctrl-C."""
    from reconciler.cli.framework.offline import store_of  # noqa: PLC0415  reads manifests
    from reconciler.cli.framework.on_save import again_on_save  # noqa: PLC0415  only for --watch

    again_on_save(
        lambda: _plan(place, base, output, confirmed, detailed=False, a_line=True),
        [store_of(place, host=base is None)],
        headed=output != "json",
    )
    return OK


def _plan(
    place: Where,
    base: str | None,
    output: str,
    confirmed: Confirmed,
    detailed: bool,
    *,
    a_line: bool = False,
) -> int:
    """Print the plan; its exit code, which is ERROR where a file has a mistake.

    ``a_line``: JSON on a line of its own.
    """
    from reconciler.cli.verbs.change import review  # noqa: PLC0415  reads manifests; --help does not

    one_of("--output", output, review.FORMATS)
    if base is not None:
        document = review.against(place, base, confirmed)
    else:
        document = review.live(place, confirmed)
    if output == "json":
        print_json(document, a_line=a_line)
    else:
        print(review.printed(document, output))
    sys.stdout.flush()
    return review.exit_code(document, detailed=detailed)


def _carry_out(place: Where, held: Held | None, limit: float, confirmed: Confirmed) -> int:
    """Hand it to the controller and wait; Ctrl-C ends the waiting only."""
    from reconciler.cli.framework import background  # noqa: PLC0415  not for a dry run
    from reconciler.cli.progress import progress  # noqa: PLC0415  not for a dry run
    from reconciler.cli.progress.follow_output import Live, builds  # noqa: PLC0415

    live = Live(lambda: builds(place))
    client = background.ensure(place, held)
    try:
        problems = client.apply()
        if confirmed.prune:
            client.act("confirm-prune")
        if confirmed.load:
            client.act("confirm-load")
        if problems:
            raise CliError("\n".join(["the manifests are wrong now:", *problems]))
        return progress.wait(client, place, limit, live)
    except KeyboardInterrupt:
        print(
            "\nstopped waiting; the controller continues, `recon status` shows the progress",
            file=sys.stderr,
        )
        return INTERRUPTED
    finally:
        live.close()
