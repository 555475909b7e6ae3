"""Drafts become manifests that are valid: names, addresses, secrets, paths, and a last check.

Guarantee: what comes out passes `recon validate` as far as that depends on the manifests alone.
Whatever the model refuses is taken out and told.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.convert.errors import ImportFault
from reconciler.convert.manifests import yaml_writer
from reconciler.convert.manifests.draft import Draft, Fate, Located, Note
from reconciler.convert.manifests.name import apart, name_of
from reconciler.convert.manifests.secret import Vault
from reconciler.desired.manifest.merge import spec_of
from reconciler.desired.manifest.validate import Complaint, validate
from reconciler.model.spec.manifest import API_VERSION, WORKLOADS
from reconciler.model.words import logname


@dataclass(frozen=True, slots=True)
class Bundle:
    """What an import is to write."""

    drafts: list[Draft]
    manifests: dict[str, str]
    """Text by absolute path."""
    vault: Vault
    general: tuple[str, ...] = ()
    """What is different for every app."""
    notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)
    """On a source as a whole, by its path."""


def bundle(
    drafts: Sequence[Draft],
    directory: str,
    *,
    prefix: str = "",
    general: tuple[str, ...] = (),
    notes: dict[str, tuple[Note, ...]] | None = None,
) -> Bundle:
    """The manifests of ``drafts`` for ``directory``. ImportFault where names clash."""
    _refuse_duplicates(drafts)
    _choose_titles(drafts, prefix)
    _separate_sockets(drafts)
    _separate_logs(drafts)
    vault = Vault(directory)
    manifests = {}
    for draft in drafts:
        vault.take(draft)
        text = _manifest_text(_valid(draft, directory), draft)
        manifests[os.path.join(directory, f"{draft.title}.yaml")] = text
    return Bundle(list(drafts), manifests, vault, general, notes or {})


def _refuse_duplicates(drafts: Sequence[Draft]) -> None:
    sources: dict[str, list[str]] = {}
    for draft in drafts:
        sources.setdefault(draft.name, []).append(draft.source)
    twins = {name: files for name, files in sources.items() if len(files) > 1}
    if not twins:
        return
    titles = []
    for name, files in twins.items():
        distinct = list(dict.fromkeys(files))
        where = " and ".join(distinct) if len(distinct) > 1 else f"{files[0]}, {len(files)} times"
        titles.append(f"{name} is declared in {where}")
    apart = any(len(set(files)) > 1 for files in twins.values())
    remedy = "import the files one by one, with --prefix or --only" if apart else "rename one there"
    raise ImportFault("\n".join([*titles, f"a name must be unique: {remedy}"]))


def _choose_titles(drafts: Sequence[Draft], prefix: str) -> None:
    taken: list[str] = []
    for draft in drafts:
        draft.title = apart(name_of(draft.name, prefix), taken)
        taken.append(draft.title)
        if draft.title != draft.name:
            note = (
                "a name is at most 63 characters of [a-z0-9-], and unique"
                if not prefix
                else "with --prefix"
            )
            draft.note(Fate.CHANGED, "name", f"{draft.name[:80]} is now {draft.title}: {note}")


def _separate_sockets(drafts: Sequence[Draft]) -> None:
    """An address is one app's; in the sources two may mean never to run at the same time."""
    owners: dict[int | str, Draft] = {}
    for draft in drafts:
        ports = {
            socket.get("port") or str(socket["path"])
            for layer in (draft.spec, *draft.profiles.values())
            for socket in layer.get("sockets", ())
        }
        other = next((owners[port] for port in sorted(ports, key=str) if port in owners), None)
        if other is None:
            owners.update(dict.fromkeys(ports, draft))
            continue
        for layer in (draft.spec, *draft.profiles.values()):
            layer.pop("sockets", None)
            layer.pop("readinessProbe", None)
        draft.spec["strategy"] = {"maxSurge": 0}
        note = (
            f"{other.title} has the same port, and recon binds a port for one app"
            " only: change one of them"
        )
        draft.note(Fate.TODO, "sockets", note)


def _separate_logs(drafts: Sequence[Draft]) -> None:
    """A log file is one app's: the first to name it keeps it, the others write to their own."""
    owners: dict[str, list[tuple[str, Draft]]] = {}
    for draft in drafts:
        logs = draft.spec.get("logs", {})
        for stream in ("stdout", "stderr"):
            place = logs.get(stream)
            if place is None:
                continue
            known = owners.setdefault(logname.alike(place), [])
            rivals = (one for path, one in known if logname.overlap(path, place))
            other = next((one for one in rivals if one is not draft), None)
            if other is None:
                known.append((place, draft))
                continue
            del logs[stream]
            note = (
                f"{other.title} writes there; a log file belongs to one app, so this"
                " log goes where recon's"
            )
            draft.note(Fate.CHANGED, f"logs.{stream}", f"{note} are: `recon logs` shows both")
        if not logs:
            draft.spec.pop("logs", None)


def _valid(draft: Draft, directory: str) -> dict[str, Any]:
    """The manifest as data, with relative paths, less what the model refuses."""
    metadata: dict[str, Any] = {"name": draft.title}
    if draft.labels:
        metadata["labels"] = dict(draft.labels)
    spec = _relative(draft.spec, directory)
    if draft.profiles:
        spec["profiles"] = _relative(draft.profiles, directory)
    data = {"apiVersion": API_VERSION, "kind": draft.kind, "metadata": metadata, "spec": spec}
    for profile in (None, *draft.profiles):
        _fix(data, profile, draft)
    return data


def _fix(data: dict[str, Any], profile: str | None, draft: Draft) -> None:
    model, spec = WORKLOADS[draft.kind], data["spec"]
    layer = spec if profile is None else spec["profiles"][profile]
    faults: list[Complaint] = []
    for _ in range(len(spec) + len(layer) + 1):
        found = validate(model, {**data, "spec": spec_of(spec, {}, profile)})
        if not isinstance(found, list):
            return
        faults = found
        path = faults[0].path
        field_ = str(path[1]) if len(path) > 1 and path[0] == "spec" else ""
        if field_ == "command" or field_ not in layer:
            break
        del layer[field_]
        draft.note(Fate.LOST, ".".join(map(str, path[1:]))[:80], faults[0].text)
    text = "; ".join(f"{'.'.join(map(str, one.path))}: {one.text}" for one in faults)
    raise ImportFault(f"{draft.source}: {draft.name}: {text}")


def near(path: str, directory: str) -> str:
    """``path`` relative to ``directory``, absolute where they have nothing in common."""
    common = os.path.commonpath([path, directory])
    return path if common == "/" != os.path.dirname(directory) else os.path.relpath(path, directory)


def _relative(value: Any, directory: str) -> Any:
    """Located paths as seen from the manifests' directory; a copy."""
    if isinstance(value, Located):
        return near(value, directory)
    if isinstance(value, dict):
        return {name: _relative(inner, directory) for name, inner in value.items()}
    if isinstance(value, list):
        return [_relative(inner, directory) for inner in value]
    return value


_ORDER = (
    *("schedule", "timeZone", "concurrencyPolicy", "backoffLimit"),
    *("command", "cwd", "user", "group", "umask", "instances", "env", "envFrom", "sockets"),
    *("readinessProbe", "minReadySeconds", "progressDeadlineSeconds", "strategy"),
    *("restartPolicy", "successExitCodes", "restartSchedule", "backoff", "stop"),
    *("terminationGracePeriodSeconds", "limits", "logs", "watch", "dependsOn", "suspend"),
)


def _manifest_text(data: dict[str, Any], draft: Draft) -> str:
    """What is to be done stands on top; all else that is different is in the report alone."""
    spec = data["spec"]
    ordered = {name: spec[name] for name in _ORDER if name in spec}
    data = {**data, "spec": {**ordered, **spec}}
    if data["spec"].get("cwd") == ".":
        del data["spec"]["cwd"]
    todo = [f"{note.key}: {note.text}" for note in draft.notes if note.fate is Fate.TODO]
    return yaml_writer.manifest(data, [f"To do: {one}" for one in todo])
