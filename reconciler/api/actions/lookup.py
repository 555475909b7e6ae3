"""The app or the Job that an action is about, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from reconciler.api.asgi.refusal import RefusedError
from reconciler.loop.controller import Controller
from reconciler.model.state.builder import built_by
from reconciler.model.state.desired import DesiredJob, Workload
from reconciler.model.words.closest import closest


class Lookup(Protocol):
    """Finds what is declared by a name. RefusedError where it is not there."""

    def __call__(self, controller: Controller, name: str) -> Workload: ...


def any_workload(controller: Controller, name: str) -> Workload:
    """An App, a Job, or the builder of an app."""
    declared = controller.declared()
    if name not in declared:
        wrong = [str(one) for one in controller.problems_of(name)]
        if wrong:
            raise RefusedError(f"no valid manifest declares {name}; fix this first: {wrong[0]}")
        raise RefusedError(unknown(name, declared), 404)
    return declared[name]


def an_app(controller: Controller, name: str) -> Workload:
    """An App, which has instances and rollouts."""
    found = any_workload(controller, name)
    if isinstance(found, DesiredJob):
        message = f'"{name}" is a Job, which is run and not restarted'
        raise RefusedError(f"{message}: `recon run-job {name}`")
    return found


def a_job(controller: Controller, name: str) -> DesiredJob:
    """A Job, or the builder of an app (``APP:build``)."""
    found = any_workload(controller, name)
    if not isinstance(found, DesiredJob):
        message = f'"{name}" is an App, which has no runs; `recon restart {name}` replaces it'
        raise RefusedError(message)
    return found


def in_a_file(controller: Controller, name: str) -> Workload:
    """An App or a Job that is written in a manifest which is valid now."""
    found = any_workload(controller, name)
    owner = built_by(name)
    if owner is not None:
        raise RefusedError(f"{name} is the build of {owner}, in whose manifest it is; edit {owner}")
    wrong = [str(found.problem)] if found.problem is not None else []
    wrong += [str(one) for one in controller.problems_of(name)]
    if wrong:
        raise RefusedError(f"{wrong[0]}; fix that first")
    return found


def unknown(name: str, known: Iterable[str]) -> str:
    """A sentence for a name that no app has."""
    close = closest(name[:100], known)
    hint = f"did you mean {close}?" if close else "`recon status` lists them"
    return f"no app named {name}; {hint}"
