"""The engine that a verb is about, and what is declared for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from reconciler.cli.framework.controller import unknown_app
from reconciler.cli.framework.errors import CliError
from reconciler.cli.framework.options import Where
from reconciler.desired.directory.store import ManifestStore
from reconciler.model.spec.target import EngineKind, parse
from reconciler.model.state.desired import Desired
from reconciler.observed.host.facts import gather
from reconciler.state.paths import secret_key
from reconciler.system.clock import local_zone
from reconciler.system.files.trust import trusting
from reconciler.system.work.look import patiently
from reconciler.targets.engine import Engine, EngineError


@contextmanager
def engine(target: str) -> Iterator[Engine]:
    """The engine of a target that is spelled right. What it says against something is a CliError.

    Only the engine's own module is loaded, with what it needs.
    """
    found = parse(target)
    try:
        if found.kind is EngineKind.KUBERNETES:
            from reconciler.targets.kubernetes.engine import Kubernetes  # noqa: PLC0415

            yield Kubernetes(found.address, local_zone())
        else:
            from reconciler.targets.nomad.engine import Nomad  # noqa: PLC0415

            yield Nomad(found.address, local_zone())
    except EngineError as error:
        raise CliError(str(error)) from None


def declared(place: Where, *, with_secrets: bool) -> Desired:
    """What the manifests say. This host need not have their programs and users.

    ``with_secrets``: what cannot be read of them here is a mistake; else it is left out.
    """
    store = ManifestStore(
        place.manifests,
        profile=place.profile,
        key=secret_key(place.paths),
        environ_is_controllers=with_secrets,
        cores=gather().cores,
        anchor=place.manifests,
        files=trusting(),
    )
    return patiently(lambda: store.draft().scan())


def chosen(desired: Desired, apps: Collection[str] | None) -> Collection[str] | None:
    """The apps that were named; CliError where none has such a name."""
    for name in apps or ():
        if name not in desired.apps:
            raise CliError(unknown_app(name, desired.apps))
    return apps or None
