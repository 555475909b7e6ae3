"""The environment a program starts with: the manifest's word, a short list, the tag; no more.

Never the shell's that happened to start the controller (design.md#security): what a program sees
must be readable in its manifest, and the same after a boot as after a hand-made start.

=========  =====================================================================
PATH       the controller's when it started, else the system's usual directories
LANG       the controller's when it started, else ``C.UTF-8``
TZ         the controller's when it started, else unset (the host's own zone)
HOME       of the passwd entry of the user that the app runs as
USER       the name of that user; LOGNAME, its POSIX twin, equals it
RECON_ID   the tag by which recon knows the process again
=========  =====================================================================

With a ``credential`` also CREDENTIALS_DIRECTORY, and each one's path (``credentials``); with a
``notify`` probe NOTIFY_SOCKET, and WATCHDOG_USEC where that is for liveness (sd_notify(3)), and
what ``readyfile`` adds for Node programs; with ``sockets`` what ``handover`` lists.

SHELL is left out on purpose: a service has no login shell. The manifest wins over all but
RECON_ID, which a manifest cannot set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from reconciler.converge.isolation import credentials
from reconciler.converge.isolation.user_account import Account, account_of
from reconciler.converge.process import readyfile
from reconciler.model.spec.probe import ProbeRole
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Workload
from reconciler.model.state.observed import Tag
from reconciler.system import notifyplace

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of the list above that comes from the controller's own environment."""
    variables = {
        "PATH": environ.get("PATH") or DEFAULT_PATH,
        "LANG": environ.get("LANG") or "C.UTF-8",
    }
    if environ.get("TZ"):
        variables["TZ"] = environ["TZ"]
    return variables


_AT_START = inherited(os.environ)


def _notify(spec: ProgramSpec, tag: Tag) -> dict[str, str]:
    if not readyfile.is_needed(spec):
        return {}
    variables = {"NOTIFY_SOCKET": notifyplace.address(tag.store)}
    liveness = spec.probes.get(ProbeRole.LIVENESS)
    if liveness is not None and liveness.notify:
        patience = liveness.period_seconds * liveness.failure_threshold
        variables["WATCHDOG_USEC"] = str(int(patience * 1_000_000))
    return variables


def _credentials(app: Workload, tag: Tag) -> dict[str, str]:
    if not app.credentials:
        return {}
    folder = credentials.directory(tag)
    paths = {name: f"{folder}/{name}" for name in app.credentials}
    return {"CREDENTIALS_DIRECTORY": folder, **paths}


def environment_of(app: Workload, tag: Tag, account: Account | None = None) -> dict[str, str]:
    """All variables of one instance. Raises AccountError where its user cannot be found."""
    account = account or account_of(app.spec.user, app.spec.group)
    declared = app.environment(tag.instance)
    return {
        **_AT_START,
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
        **declared,
        **_credentials(app, tag),
        **_notify(app.spec, tag),
        **readyfile.variables(app.spec, tag, declared),
        "RECON_ID": str(tag),
    }
