"""Actions that change what the controller does, and no file: restart, runs, pauses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from reconciler.api.actions.answer import Done
from reconciler.api.actions.body import Body
from reconciler.api.actions.lookup import a_job, an_app, any_workload
from reconciler.api.asgi.refusal import RefusedError
from reconciler.loop.controller import Controller
from reconciler.model.state.event import Actor

By = Callable[[], Awaitable[Actor]]


class NamedRequests:
    """What can be asked for by name, of one controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    async def restart(self, name: str, body: Body, by: By, *, dry_run: bool) -> Done:
        """Replace the processes of an app."""
        app = an_app(self._controller, name)
        if self._controller.history.memory(name).paused:
            message = f"the rollout of {name} is paused, so nothing would be restarted"
            raise RefusedError(f"{message}; `recon rollout resume {name}` first")
        if dry_run:
            return Done(f"{name} would be restarted", done=False)
        self._controller.requests.restart([name], await by())
        await self._controller.settle()
        if app.spec.suspend:
            return Done(f"{name}: suspended, nothing to restart")
        return Done(f"{name}: restarting")

    async def run_job(self, name: str, body: Body, by: By, *, dry_run: bool) -> Done:
        """Run a Job now."""
        job = a_job(self._controller, name)
        if job.spec.suspend and job.spec.schedule is None:
            raise RefusedError(f'"{name}" is suspended; `recon resume {name}` first')
        journal = self._controller.history.journal
        if not journal.writable:
            raise RefusedError(journal.text)
        if dry_run:
            return Done(f"{name} would be run", done=False)
        number = self._controller.requests.run_job(name, await by())
        await self._controller.settle()
        return Done(f"{name}: run {number} is requested", run=number)

    async def pause(self, name: str, body: Body, by: By, *, dry_run: bool) -> Done:
        """Hold the rollout of an app."""
        any_workload(self._controller, name)
        if self._controller.history.memory(name).paused:
            raise RefusedError(f'app "{name}" is already paused')
        if dry_run:
            return Done(f"app/{name} would be paused", done=False)
        self._controller.requests.pause(name, await by())
        await self._controller.settle()
        return Done(f"app/{name} paused")

    async def unpause(self, name: str, body: Body, by: By, *, dry_run: bool) -> Done:
        """Have a rollout go on that is held, or that waits for its canary."""
        any_workload(self._controller, name)
        next_step = self._controller.requests.resumption(name)
        if next_step is None:
            raise RefusedError(f'app "{name}" is not paused')
        if dry_run:
            return Done(f"app/{name} would be {next_step}", done=False)
        self._controller.requests.resume(name, await by())
        await self._controller.settle()
        return Done(f"app/{name} {next_step}")
