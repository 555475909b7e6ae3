"""What `recon doctor` says of notifications: targets that cannot be reached, and why."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.api.errors import ClientError
from reconciler.checks.secret_permissions import exposure
from reconciler.cli.framework import controller
from reconciler.cli.framework.options import Where
from reconciler.model.spec.notify import NotifyTarget, named
from reconciler.model.state.finding import Finding, ok, problem, warning
from reconciler.notify.check import fault_of
from reconciler.notify.target import Target


def of_notices(here: Where, targets: tuple[NotifyTarget, ...]) -> Iterator[Finding]:
    """Findings on what is declared, and on how sending goes."""
    if not targets:
        return
    faults = 0
    for name, one in named(targets).items():
        target = Target.of(name, one, str(here.manifests))
        fault = fault_of(target)
        if fault:
            faults += 1
            yield problem("notify", f"{name}: {fault.message}", fault.remedy)
        file = target.url_file or target.webhook_file
        message = exposure(file) if file else ""
        if message:
            yield warning("notify", f"{name}: {message}", f"chmod o= {file}")
    try:
        document = controller.client_of(here).notifications()
    except ClientError:
        return
    if document["process"]["message"]:
        faults += 1
        yield problem("notify", document["process"]["message"], "recon starts it again by itself")
    for target_document in document["targets"]:
        if target_document["failing"]:
            faults += 1
            message = f"{target_document['name']}: {target_document['lastError']}"
            remedy = f"correct it, then `recon notify test {target_document['name']}`"
            yield problem("notify", message, remedy)
    if not faults:
        yield ok("notify", f"{len(targets)} targets of notifications are well")
