"""All apps and Jobs as objects of Kubernetes, a file an app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from reconciler.convert.engines import yaml
from reconciler.convert.engines.draft import (
    Draft,
    Exported,
    Refusal,
    Refused,
    draft_of,
    refusal_of,
)
from reconciler.convert.fields import Note
from reconciler.convert.kubernetes import container, names
from reconciler.convert.kubernetes.dependencies import Other, dependencies
from reconciler.convert.kubernetes.deployment import deployment
from reconciler.convert.kubernetes.job import job
from reconciler.convert.kubernetes.probes import probes
from reconciler.convert.kubernetes.reasons import REASONS
from reconciler.convert.kubernetes.resources import resources
from reconciler.convert.kubernetes.security import security
from reconciler.convert.kubernetes.service import ports, ports_of, service
from reconciler.model.state.desired import Workload

MARK = "Written by `recon export kubernetes`"
WAIT_IMAGE = "busybox:1.37"
EVERYWHERE = (
    "A revision that fails is not taken back: `kubectl rollout undo` does that.",
    "Probes over the network ask the Pod's address: a program that listens on 127.0.0.1 only "
    "never becomes ready.",
    "The scheduler reserves what is a limit, where no request is written: a Pod that no node has "
    "room for waits.",
    "Another Secret restarts no Pod: `kubectl rollout restart` does.",
    "Files, and variables that the manifest does not name, are those of the image.",
    "What is removed here stays in the cluster, until `kubectl apply --prune -l "
    f"{names.MANAGED_BY}=recon` or a deletion by hand.",
)
"""What holds for every app, and for none of its fields."""


class Target(NamedTuple):
    """What the objects are for."""

    zone: str = "UTC"
    """The time zone of this host, which schedules are in where no other is set."""
    wait_image: str = WAIT_IMAGE
    """Of init containers that wait for another app."""
    with_secrets: bool = False


class Translated(NamedTuple):
    """Objects by the name of their app, in the order in which they are to be made."""

    objects: Mapping[str, list[dict[str, Any]]]
    secrets: Mapping[str, list[dict[str, Any]]]
    """With their values; empty unless these were asked for."""
    notes: tuple[Note, ...]
    refused: tuple[Refusal, ...]


def export(apps: Iterable[Workload], target: Target) -> Exported:
    """The objects of all these apps as YAML, and what they cannot say."""
    made = translate(apps, target)
    files = {f"{name}.yaml": _text(name, found) for name, found in made.objects.items()}
    secrets = {f"{name}.secret.yaml": _text(name, found) for name, found in made.secrets.items()}
    return Exported(files, secrets, made.notes, made.refused)


def translate(apps: Iterable[Workload], target: Target) -> Translated:
    """The objects of all these apps, and what they cannot say."""
    apps = list(apps)
    drafts = {
        app.name: draft_of(app, target.zone, with_secrets=target.with_secrets) for app in apps
    }
    others = {
        name: _other(draft, drafts.keys())
        for name, draft in drafts.items()
        if draft.peek("image") is not None
    }
    made, secrets, notes, refused = {}, {}, [], []
    for app in apps:
        draft = drafts[app.name]
        try:
            made[app.name] = objects(draft, others, target)
        except Refused as error:
            refused.append(refusal_of(app, error))
            continue
        if hidden := container.secrets(draft):
            secrets[app.name] = hidden
        notes += draft.notes
    return Translated(made, secrets, tuple(notes), tuple(refused))


def objects(draft: Draft, others: Mapping[str, Other], target: Target) -> list[dict[str, Any]]:
    """The objects of one app but its Secrets. Refused where Kubernetes cannot have it."""
    image = draft.take("image")
    if image is None:
        message = "is not set, and Kubernetes runs nothing but images"
        remedy = "write the image of the app, in its manifest or in a profile"
        raise Refused("image", message, remedy)
    names.labels(draft)
    program: dict[str, Any] = {
        "name": draft.name,
        "image": image,
        "command": container.command(draft),
    }
    pod: dict[str, Any] = {
        # As here, a program gets no variables but those that the manifest names.
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "containers": [program],
    }
    container.variables(draft, program)
    found = ports(draft, program)
    probes(draft, program)
    _stop(draft, pod, program)
    resources(draft, program)
    security(draft, pod, program)
    waits = dependencies(draft, others, target.wait_image)
    if waits:
        pod["initContainers"] = waits
    made = [(job if draft.completes else deployment)(draft, pod)]
    if found:
        made.append(service(draft, others[draft.name].service, found))
    draft.note_left(REASONS)
    return made


def _stop(draft: Draft, pod: dict[str, Any], program: dict[str, Any]) -> None:
    grace = draft.whole_seconds("terminationGracePeriodSeconds")
    if grace is not None:
        pod["terminationGracePeriodSeconds"] = grace
    hook = draft.take("stop", "preStop")
    if hook:
        program["lifecycle"] = {"preStop": {"exec": {"command": hook}}}
    if draft.peek("stop", "signal") == "SIGTERM":
        draft.take("stop", "signal")


def _other(draft: Draft, taken: Iterable[str]) -> Other:
    port = next(iter(ports_of(draft).values()), None)
    return Other(names.service_name(draft.name, set(taken)), port, draft.completes)


def _text(app: str, found: Iterable[dict[str, Any]]) -> str:
    return f"# {MARK}: {app}\n" + "---\n".join(map(yaml.document, found))
