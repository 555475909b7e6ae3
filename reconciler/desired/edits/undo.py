"""Going back to an earlier revision: to which one, and what that brings back and what it cannot.

The edit itself is ``desired.text.undo``'s. The wording is kubectl's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.desired.manifest.manifest import Context
from reconciler.desired.manifest.surroundings import Surroundings
from reconciler.desired.text.undo import UndoError, differs, undone
from reconciler.model.spec.manifest import SettingsSpec
from reconciler.model.state.desired import Workload
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.revision import Revision, same_revision


@dataclass(frozen=True, slots=True)
class UndoChange:
    """The edit that is wanted. ``app`` is without its secrets."""

    app: Workload
    revision: Revision
    settings: SettingsSpec
    profile: str | None = None
    is_settings_file: bool = False
    cores: int = 1
    """How many processes `instances: max` is."""

    @classmethod
    def of(
        cls,
        app: Workload,
        revision: Revision,
        settings: SettingsSpec,
        manifests: Path,
        *,
        profile: str | None,
        cores: int,
    ) -> UndoChange:
        """The edit below a directory of manifests. ``profile``: None where the Settings say it."""
        is_settings_file = app.source.file == str(manifests / "recon.yaml")
        profile = profile or settings.profile
        return cls(app, revision, settings, profile, is_settings_file, cores)

    @property
    def file(self) -> str:
        return self.app.source.file

    def edited(self, text: bytes) -> bytes:
        """``text``, the file, with the template of the revision. EditError, UndoError."""
        # `fromEnv` is not read: this environment may be another than the controller's.
        around = Surroundings({}, None, environ_is_own=False, cores=self.cores)
        context = Context(around, self.settings, self.profile, self.is_settings_file)
        return undone(text, self.app, self.revision, context)


@dataclass(frozen=True, slots=True)
class Undo:
    """What is to be done, and what a person has to know of it."""

    revision: Revision
    change: UndoChange | None
    """None where the manifest declares that template already."""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def plan_undo(
    app: Workload,
    memory: AppMemory,
    number: int,
    change: Callable[[Workload, Revision], UndoChange],
) -> Undo:
    """The way back to revision ``number``; 0: the newest before the manifest's that was good.

    ``app`` is with what is in the files that it watches now. UndoError, a sentence, where there is
    no such revision, or where it differs only in what recon does not keep.
    """
    revision = _target(app, memory, number)
    warnings = []
    if number and not revision.good:
        warnings.append(f"revision {number} {_never_good(memory, revision)}")
    if not differs(app, revision):
        _refuse_secrets(app, revision)
        _refuse_content(app, revision)
        return Undo(revision, None, tuple(warnings))
    notes = [
        f"{secret} has another value than in revision {revision.number}; recon keeps no secrets, "
        "so it stays as it is"
        for secret in _other_secrets(app, revision)
    ]
    if memory.paused:
        resume = f"`recon rollout resume {app.name}`"
        notes.append(f"its rollout is paused, so nothing changes until {resume}")
    bare = replace(app, secrets={}, marks={})
    return Undo(revision, change(bare, revision), tuple(warnings), tuple(notes))


def numbered(revisions: Sequence[Revision], number: int) -> Revision:
    """A revision by its number. UndoError where it is not remembered."""
    found = next((one for one in revisions if one.number == number), None)
    if found is None:
        kept = ", ".join(str(one.number) for one in revisions)
        raise UndoError(f"unable to find specified revision {number} in history; there are {kept}")
    return found


def _target(app: Workload, memory: AppMemory, number: int) -> Revision:
    """The revision to go back to: the newest before the manifest's that was good once."""
    if not memory.revisions:
        raise UndoError(f'no rollout history found for app "{app.name}"')
    if number:
        return numbered(memory.revisions, number)
    before = [one for one in memory.revisions if not same_revision(one.hash, app.hash)]
    found = next((one for one in reversed(before) if one.good and not one.failed), None)
    if found is not None:
        return found
    if not before:
        message = f'no rollout history found for app "{app.name}" before this revision'
        raise UndoError(message)
    reasons = "; ".join(f"revision {one.number} {_never_good(memory, one)}" for one in before[-2:])
    raise UndoError(
        f"app/{app.name} has no earlier revision that was good: {reasons}."
        " `--to-revision N` goes to one anyway"
    )


def _never_good(memory: AppMemory, revision: Revision) -> str:
    """The warning for a revision that was never fully rolled out."""
    known = memory.given_up.get(revision.number)
    failed = revision.failed or (known.message if known is not None else None)
    return f"failed ({failed})" if failed else "never became ready"


def _refuse_secrets(app: Workload, revision: Revision) -> None:
    """Where all that differs is what recon does not keep."""
    changed = _other_secrets(app, revision)
    if changed:
        message = f"only the value of {', '.join(changed)} differs from revision {revision.number}"
        raise UndoError(
            f"{message}, and recon keeps no secrets; restore the earlier value yourself"
        )


def _refuse_content(app: Workload, revision: Revision) -> None:
    then = revision.spec.get("watched", {})
    changed = sorted(path for path, digest in app.spec.watched.items() if then.get(path) != digest)
    if changed:
        message = (
            f"only the content of {', '.join(changed)} differs from revision {revision.number}"
        )
        raise UndoError(f"{message}, and recon keeps no files; restore the earlier files yourself")


def _other_secrets(app: Workload, revision: Revision) -> list[str]:
    """Variables that have a secret value now and had another then (as far as can be told)."""

    def differ(name: str, mark: str) -> bool:
        then = revision.marks.get(name, mark)
        return then != mark and then.partition("-")[0] == mark.partition("-")[0]

    return sorted(name for name, mark in (app.marks or {}).items() if differ(name, mark))
