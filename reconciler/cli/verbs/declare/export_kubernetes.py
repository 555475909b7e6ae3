"""`recon export kubernetes`: the declared apps as objects of Kubernetes."""

from __future__ import annotations

from typing import Annotated

from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.options import Apps, Manifests, Profile, StateDir, where
from reconciler.cli.verbs.declare import export_engine
from reconciler.cli.verbs.declare.export_engine import OutputDir, Report, Secrets
from reconciler.cli.verbs.declare.exporting import declared
from reconciler.convert.kubernetes.objects import EVERYWHERE, MARK, WAIT_IMAGE, Target
from reconciler.convert.kubernetes.objects import export as convert
from reconciler.system.clock import local_zone


def kubernetes(
    apps: Apps = None,
    *,
    output: OutputDir = None,
    secrets: Secrets = False,
    wait_image: Annotated[
        str,
        Option(
            "--wait-image",
            metavar="IMAGE",
            help="Image with nc, for Pods that wait for another app.",
        ),
    ] = WAIT_IMAGE,
    report: Report = "text",
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
) -> int:
    """Write objects of Kubernetes of the same meaning, and report what none can say.

    Nothing is sent to a cluster, and nothing on this host is changed. Each app needs `image`.
    """
    export_engine.check(report, secrets=secrets, output=output)
    here = where(manifests, state_dir, profile)
    chosen, problems = declared(here, apps, elsewhere=True, with_secrets=secrets)
    target = Target(local_zone(), wait_image, with_secrets=secrets)
    made = convert(chosen, target)
    apply = "kubectl apply -f {}"
    return export_engine.finish(
        made, EVERYWHERE, problems, output=output, report=report, mark=MARK, next_step=apply
    )
