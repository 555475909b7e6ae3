"""`recon monit`: the terminal monitor."""

from __future__ import annotations

import os
import sys
from functools import partial

from reconciler.cli.framework import controller
from reconciler.cli.framework.errors import usage
from reconciler.cli.framework.options import (
    Manifests,
    Profile,
    Selector,
    StateDir,
    where,
)


def monit(
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    selector: Selector = None,
) -> int:
    """Watch all apps, and act on them, in this terminal.

    Shows processor time and memory as they change, what each app is like, its logs, events and
    plan. What is to be changed is shown first, as the edit of the manifest. ? lists the keys.
    Works without a controller, too: it shows then what `recon status` shows.
    """
    from reconciler.ui.monit.start import refusal, run  # noqa: PLC0415  only here

    problem = refusal(
        os.environ, is_terminal=sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()
    )
    if problem:
        raise usage(problem)
    if selector:
        from reconciler.model.words.selector import parse  # noqa: PLC0415  only here

        try:
            parse(selector)
        except ValueError as error:
            raise usage(f"--selector {error}") from None
    place = where(manifests, state_dir, profile)
    return run(
        controller.client_of(place),
        look_alone=partial(controller.status, place),
        filter=f"-l {selector}" if selector else "",
    )
