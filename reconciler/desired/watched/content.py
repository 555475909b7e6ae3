"""What is in the files that an app watches, as part of what the app is declared to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.desired.text.locate import place_of
from reconciler.desired.watched.own_files import OwnFiles
from reconciler.desired.watched.trees import Scope, Trees, TreeTooLarge
from reconciler.model.spec.watch import Watch
from reconciler.model.state.builder import built_by
from reconciler.model.state.desired import Problem, Workload
from reconciler.model.state.revision import hash_of, template_of
from reconciler.system.work.door import UnansweredError


def content(watch: Watch, seen: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """The content that counts: of a path that is gone or empty, what it held before."""
    found = {path: seen.get(path) or before.get(path) for path in watch.paths}
    return {path: digest for path, digest in found.items() if digest}


def with_content(app: Workload, found: Mapping[str, str]) -> Workload:
    """The app as it is with this content of what it watches."""
    if found == app.spec.watched:
        return app
    spec = app.spec.model_copy(update={"watched": dict(found)})
    return replace(app, spec=spec, hash=hash_of(template_of(spec), app.marks))


def trees_of(watch: Watch, cwd: str, own: OwnFiles | None = None) -> Trees:
    """What an app watches, to be looked at here and now."""
    return Trees(Scope(watch.paths, watch.ignore, cwd, own))


def as_found(app: Workload, before: Mapping[str, str], own: OwnFiles) -> Workload:
    """The app with what is in its files now, by one look; ``before``: what was followed last.

    Where these are too large it is what it was, with the problem: as the controller has it.
    """
    watch = app.spec.watch
    if watch is None:
        return app
    try:
        seen = trees_of(watch, app.spec.cwd, own).look()
    except (TreeTooLarge, UnansweredError) as error:
        held = with_content(app, content(watch, {}, before))
        return replace(held, problem=app.problem or problem_of(app, error.message, error.remedy))
    return with_content(app, content(watch, seen, before))


def problem_of(app: Workload, message: str, remedy: str = "") -> Problem:
    """A problem with what an app watches, at the place where it says so."""
    owner = built_by(app.name)
    field = ("watch", "paths") if owner is None else ("build", "inputs")
    file = app.source.file
    line, column = place_of(file, owner or app.name, field)
    return Problem(file, line, column, ".".join(("spec", *field)), message, remedy=remedy)
