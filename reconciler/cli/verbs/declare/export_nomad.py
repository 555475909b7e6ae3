"""`recon export nomad`: the declared apps as jobs of Nomad."""

from __future__ import annotations

from typing import Annotated

from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.options import Apps, Manifests, Profile, StateDir, one_of, where
from reconciler.cli.verbs.declare import export_engine
from reconciler.cli.verbs.declare.export_engine import OutputDir, Report
from reconciler.cli.verbs.declare.exporting import declared
from reconciler.convert.nomad.jobs import DRIVERS, EVERYWHERE, MARK, Target
from reconciler.convert.nomad.jobs import export as convert
from reconciler.system.clock import local_zone


def nomad(
    apps: Apps = None,
    *,
    output: OutputDir = None,
    driver: Annotated[
        str, Option("--driver", metavar="raw_exec|exec2", help="The driver of the tasks.")
    ] = DRIVERS[0],
    report: Report = "text",
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
) -> int:
    """Write jobs of Nomad of the same meaning, and report what none can say.

    Nothing is sent to a server, and nothing on this host is changed. No value of a
    secret is written.
    """
    export_engine.check(report, secrets=False, output=output)
    one_of("--driver", driver, DRIVERS)
    here = where(manifests, state_dir, profile)
    chosen, problems = declared(here, apps, elsewhere=True)
    made = convert(chosen, Target(local_zone(), driver))
    run = "nomad job run -json {}/NAME.nomad.json"
    return export_engine.finish(
        made, EVERYWHERE, problems, output=output, report=report, mark=MARK, next_step=run
    )
