"""What is handed over of an app: its job, as `recon export nomad` writes it, and its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.convert.engines.draft import draft_of
from reconciler.convert.fields import Fate, Note
from reconciler.convert.nomad.jobs import MANAGED_BY, MANAGER, Target, job
from reconciler.model.state.desired import Problem, Workload
from reconciler.targets.plan import refused

PART_OF = "part-of"
"""Key of a job's Meta: the directory of manifests that declares it (``Settings.spec.partOf``)."""
RESTARTED = "recon-restarted-at"
"""Key of a job's Meta that `recon rollout restart` sets. An apply keeps it: another value replaces
the instances again."""
_STORED = ("secretFile", "fromEnv", "credential", "envFrom")

Items = Mapping[str, Mapping[str, str]]
"""Variables of Nomad, by path."""


class Handed(NamedTuple):
    """One app in Nomad's words."""

    job: dict[str, Any]
    notes: tuple[Note, ...]
    variables: Items | None
    """None: some secret cannot be read from here."""


def handed(app: Workload, zone: str, part_of: str | None, live: Mapping[str, str]) -> Handed:
    """``live``: the Meta of the job that is there."""
    draft = draft_of(app, zone, with_secrets=False)
    made = job(draft, Target(zone))
    made["Meta"] |= {PART_OF: part_of} if part_of is not None else {}
    made["Meta"] |= {RESTARTED: live[RESTARTED]} if RESTARTED in live else {}
    notes = tuple(note for note in draft.notes if not _is_stored(note))
    return Handed(made, notes, None if app.secrets is None else variables(app))


def is_made(meta: Mapping[str, str]) -> bool:
    """Whether a job with this Meta was made by recon."""
    return meta.get(MANAGED_BY) == MANAGER


def variables(app: Workload) -> dict[str, dict[str, str]]:
    """Where the templates of the job look: variables at one path, contents of files at another."""
    secrets = app.secrets or {}
    texts = {name: value for name, value in secrets.items() if isinstance(value, str)}
    files = {name: data.decode("utf-8", "replace") for name, data in app.credentials.items()}
    of_app, of_files = paths(app.name)
    found = {of_app: texts} if texts else {}
    return {**found, of_files: files} if files else found


def paths(name: str) -> tuple[str, str]:
    """The paths of an app's variables."""
    return f"nomad/jobs/{name}", f"nomad/jobs/{name}/{name}"


def unfit(app: Workload) -> Problem | None:
    """A credential that no variable of Nomad can hold."""
    for name, data in app.credentials.items():
        try:
            data.decode()
        except UnicodeDecodeError:
            return refused(
                app,
                "is not text, and a variable of Nomad holds text only",
                "encode the file, as with base64, and decode it in the program",
                f"spec.env.{name}.credential",
            )
    return None


def _is_stored(note: Note) -> bool:
    """A variable that is to be put by hand after an export, and is put by an apply."""
    return note.fate is Fate.TODO and note.field.rpartition(".")[2] in _STORED
