"""What a file that is wrong now declared while it was right: from the journal.

Nothing is ever stopped because of a mistake in a file (design.md#mistakes). The controller and the
command line without one ask here, so that both give the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.desired.environment.filled import Filled
from reconciler.desired.manifest.resolve import rebuild
from reconciler.model.state.builder import built_by
from reconciler.model.state.desired import Desired, Problem, Source, Workload
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.revision import Revision


def last_good(
    desired: Desired,
    memories: Mapping[str, AppMemory],
    sources: Mapping[str, str | None],
    key: bytes | None,
    filled: Filled | None = None,
) -> Mapping[str, Workload]:
    """The apps that are not declared now: their file (``sources``) is wrong, or all are held.

    Each as it was last applied, with ``problem`` set to the first problem of its file, or of all.
    """
    wrong = first_problems(desired)
    found: dict[str, Workload] = {}
    for name, source in sources.items():
        memory = memories.get(name)
        problem = wrong.get(source or "") or desired.held
        if source is None or problem is None or name in desired.apps:
            continue
        if memory is None or not memory.revisions:
            continue
        app = _remembered(name, memory.revisions[-1], source, key, filled)
        if app is not None:
            found[name] = replace(app, problem=problem)
    return found


def last_known(
    desired: Desired,
    kept: Mapping[str, Workload],
    memories: Mapping[str, AppMemory],
    sources: Mapping[str, str | None],
    *,
    key: bytes | None,
    filled: Filled | None = None,
) -> Mapping[str, Workload]:
    """The apps that no file declares now, each as it was last applied: an unmounted directory."""
    missing = sources.keys() - desired.apps.keys() - kept.keys()
    found: dict[str, Workload] = {}
    for name in sorted(name for name in missing if built_by(name) is None):
        memory = memories.get(name)
        if memory is not None and memory.revisions:
            app = _remembered(name, memory.revisions[-1], sources[name] or "", key, filled)
            if app is not None:
                found[name] = app
    return found


def _remembered(
    name: str, revision: Revision, source: str, key: bytes | None, filled: Filled | None
) -> Workload | None:
    """A revision as it was. Values of secrets are not stored: where they cannot be read now (the
    file was emptied, or is gone) what runs is kept, and nothing is started without them."""
    for without in (False, True):
        place = Source(source, 1)
        app = rebuild(name, revision.spec, place, key=key, filled=filled, without=without)
        if isinstance(app, Workload):
            return replace(app, hash=revision.hash, marks=revision.marks) if without else app
    return None


def first_problems(desired: Desired) -> Mapping[str, Problem]:
    """The first problem of each file that has one."""
    found: dict[str, Problem] = {}
    for problem in desired.problems:
        found.setdefault(problem.file, problem)
    return found
