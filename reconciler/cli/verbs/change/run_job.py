"""`recon run-job`: a run of a Job now, whatever its schedule says."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

from reconciler.api.client import Client
from reconciler.api.errors import ApiError, ControllerNotRunningError
from reconciler.cli.framework import controller
from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import ERROR, INTERRUPTED, OK, CliError
from reconciler.cli.framework.options import Manifests, StateDir, Where, where
from reconciler.cli.progress.follow_output import Live
from reconciler.logs.read.files import find
from reconciler.render.formats import duration

_EVERY = 0.1
"""Seconds between two looks."""


def run_job(
    job: Annotated[str, Argument(metavar="JOB", help="Its name.", show_default=False)],
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    detach: Annotated[bool, Option("--detach", "-d", help="Do not wait until it ends.")] = False,
) -> int:
    """Run a job now, and show what it writes until it has ended.

    Its schedule and its missed runs do not change. Exits with 0 when the run has
    succeeded. Ctrl-C ends the wait, not the run. APP:build builds an app again.
    """
    place = where(manifests, state_dir)
    client = controller.client_of(place)
    live = Live(lambda: find(place.paths.root, [job]))
    try:
        number = int(client.act("run-job", job)["run"])
        if detach:
            print(f"{job}: run {number} is requested; `recon logs {job} -f` shows what it writes")
            return OK
        return _wait(client, live, job, number)
    except ApiError as error:
        if error.status != 404:
            raise
        raise CliError(_unknown(place, job)) from None
    except ControllerNotRunningError:
        message = f"no controller is running on {place.paths.root}, so nothing can be run"
        raise CliError(f"{message}; `recon apply` starts one") from None
    except KeyboardInterrupt:
        print(f"\nstopped waiting; `recon status {job}` shows the progress", file=sys.stderr)
        return INTERRUPTED
    finally:
        live.close()


def _wait(client: Client, live: Live, job: str, number: int) -> int:
    """Show what the run writes until it is decided."""
    before: Mapping[str, Any] = {}
    while True:
        run = next((run for run in client.runs(job) if run["number"] == number), None)
        live.show(number)
        if run is None:
            raise CliError(f"run {number} of {job} is no longer in the history")
        if run["failures"] > before.get("failures", 0) and run["outcome"] == "Active":
            print(f"{job}: run {number}: {run['exit']}; it is tried again", flush=True)
        if run["outcome"] != "Active":
            live.show(number)
            return _result(job, run)
        before = run
        time.sleep(_EVERY)


def _result(job: str, run: Mapping[str, Any]) -> int:
    took = f" after {duration(run['durationSeconds'])}" if run["durationSeconds"] else ""
    if run["outcome"] == "Succeeded":
        print(f"{job}: run {run['number']} succeeded{took}")
        return OK
    reason = run["exit"] or run["reason"]
    print(f"{job}: run {run['number']} has failed{took}: {reason}", file=sys.stderr)
    return ERROR


def _unknown(place: Where, job: str) -> str:
    jobs = [app["name"] for app in controller.status(place)["apps"] if app["kind"] == "Job"]
    return controller.unknown_app(job, jobs).replace("no app", "no job")
