"""Actions that edit a manifest: scale, suspend, resume, undo.

The file is the desired state, so the file is what changes. The edit is made by a worker process,
one after the other, since two of them may be of one file. It has been read when it is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from reconciler.api.actions.answer import Done
from reconciler.api.actions.body import Body
from reconciler.api.actions.lookup import in_a_file
from reconciler.api.asgi.refusal import RefusedError
from reconciler.desired.edits.field import Field, FieldChange, is_set
from reconciler.desired.edits.order import TASK, Change, Order, Outcome
from reconciler.desired.edits.undo import Undo, UndoChange, plan_undo
from reconciler.desired.text.undo import UndoError
from reconciler.loop.controller import Controller
from reconciler.model.state.desired import DesiredJob, Workload
from reconciler.model.state.event import Actor
from reconciler.model.state.revision import Revision
from reconciler.system.work.worker import WorkerError, WorkerTimeout

_SECONDS = 20.0
"""Of work for one edit: a manifest has 4 MiB at most."""
_WAITING = 100
"""Edits that wait for their turn."""

By = Callable[[], Awaitable[Actor]]


class Edits:
    """Makes the edits of one controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def scale(self, name: str, body: Body, by: By, *, dry_run: bool) -> Done:
        """Set how many instances an app has."""
        count = body.instances("instances")
        app = await self._app(name)
        if isinstance(app, DesiredJob):
            raise RefusedError(f"{name} is a Job, which is one process at a time")
        return await self._set(app, "instances", count, by, dry_run)

    async def suspend(self, name: str, body: Body, by: By, *, dry_run: bool) -> Done:
        """Stop an app or a Job until it is resumed."""
        return await self._set(await self._app(name), "suspend", True, by, dry_run)

    async def resume(self, name: str, body: Body, by: By, *, dry_run: bool) -> Done:
        """Start a suspended app again."""
        return await self._set(await self._app(name), "suspend", False, by, dry_run)

    async def undo(self, name: str, body: Body, by: By, *, dry_run: bool) -> Done:
        """Write an earlier revision back into the manifest."""
        number = body.revision("revision")
        app = await self._app(name)
        undo = self._undo(app, number)
        number = undo.revision.number
        outcome = Outcome(app.source.file)
        if undo.change is not None:
            outcome = await self._made(name, undo.change, by, dry_run)
        if not outcome.diff:
            message = f"current template already matches revision {number}"
            return Done(
                f"app/{name} skipped rollback ({message})", done=False, warnings=undo.warnings
            )
        message = f"app/{name} rolled back to revision {number}"
        message += " (dry run)" if dry_run else ""
        return Done(message, not dry_run, [outcome], undo.warnings, undo.notes)

    async def _app(self, name: str) -> Workload:
        """What is to be edited, as it stands in its file at this moment."""
        await self._controller.reread()
        return in_a_file(self._controller, name)

    def _undo(self, app: Workload, number: int) -> Undo:
        controller = self._controller
        settings, options = controller.settings, controller.options

        def change(bare: Workload, revision: Revision) -> UndoChange:
            profile, cores = options.profile, controller.facts.cores
            return UndoChange.of(
                bare, revision, settings, options.manifests, profile=profile, cores=cores
            )

        try:
            return plan_undo(app, controller.history.memory(app.name), number, change)
        except UndoError as error:
            raise RefusedError(f"{app.source.file}: {error}; nothing was written") from None

    async def _set(
        self, app: Workload, field: Field, value: int | str | bool, by: By, dry_run: bool
    ) -> Done:
        name = app.name
        text = str(value).lower()
        outcome = Outcome(app.source.file)
        if not is_set(app, field, value):
            profile = self._controller.options.profile or self._controller.settings.profile
            change = FieldChange(name, app.source.file, field, value, profile)
            outcome = await self._made(name, change, by, dry_run)
        if not outcome.diff:
            return Done(f"{name}: {field} is {text} already", done=False)
        verb = "would be" if dry_run else "is now"
        return Done(f"{name}: {field} {verb} {text}", not dry_run, [outcome])

    async def _made(self, name: str, change: Change, by: By, dry_run: bool) -> Outcome:
        """The edit, made and read. RefusedError."""
        if self._waiting >= _WAITING:
            raise RefusedError(
                f"{_WAITING} edits wait for their turn already; try again later", 503
            )
        self._waiting += 1
        try:
            async with self._turn:
                if dry_run:
                    return await self._performed(Order(change, dry_run=True))
                return await self._carried_out(name, change, await by())
        finally:
            self._waiting -= 1

    async def _carried_out(self, name: str, change: Change, by: Actor) -> Outcome:
        controller = self._controller
        await controller.edits.expect(name, by)
        try:
            outcome = await self._performed(Order(change, dry_run=False))
            await controller.reread()
        finally:
            await controller.edits.settle(name)
        await controller.settle()
        return outcome

    async def _performed(self, order: Order) -> Outcome:
        file = order.change.file
        try:
            outcome: Outcome = await self._controller.workers.call(
                TASK, order, owner="edit", seconds=_SECONDS
            )
        except WorkerTimeout:
            message = f"{file} does not answer, so whether it was edited is unknown"
            raise RefusedError(f"{message}; look at it", 503) from None
        except WorkerError as error:
            raise RefusedError(f"{file} cannot be edited now: {error}", 503) from None
        if outcome.refusal:
            raise RefusedError(outcome.refusal, 507 if outcome.is_unwritable else 409)
        return replace(outcome, diff=self._controller.redact(outcome.diff))
