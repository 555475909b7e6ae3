"""Confirmations of what waits for a person: removals of apps, and rises of the count of instances.

The manifests are read again first, so that what is confirmed is what they say now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from reconciler.api.actions.answer import Done
from reconciler.api.actions.body import Body
from reconciler.api.actions.lookup import an_app
from reconciler.loop.controller import Controller
from reconciler.model.state.event import Actor

By = Callable[[], Awaitable[Actor]]
_NAMED = 5
"""Apps that are named in a sentence."""


class Confirmations:
    """What can be confirmed, of one controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    async def prune(self, name: str | None, body: Body, by: By, *, dry_run: bool) -> Done:
        """The apps that no manifest declares any more are to be removed."""
        await self._controller.reread()
        await self._controller.decided()  # of a file that was removed a moment ago, too
        names = self._controller.unconfirmed_removals()
        if not names:
            return Done("no removal waits for a confirmation", done=False)
        what = f"the removal of {_listed(names)}"
        if dry_run:
            return Done(f"{what} would be confirmed", done=False)
        self._controller.requests.applied(await by(), "removals")
        await self._controller.rescan(confirm_prune=True)
        await self._controller.settle()
        return Done(f"{what} is confirmed")

    async def load(self, name: str | None, body: Body, by: By, *, dry_run: bool) -> Done:
        """All instances that are declared (of one app) are meant, whatever the host has."""
        if name is not None:
            an_app(self._controller, name)
        await self._controller.reread()
        await self._controller.looked()
        names = self._controller.requests.rising(name)
        if not names:
            of = f" of {name}" if name is not None else ""
            return Done(f"no rise{of} waits for a confirmation", done=False)
        what = f"all instances of {_listed(names)}"
        if dry_run:
            return Done(f"{what} would be confirmed", done=False)
        actor = await by()
        self._controller.requests.applied(actor, "rises")
        self._controller.requests.admit(confirm=True, by=actor, name=name)
        await self._controller.settle()
        return Done(f"{what} are confirmed")


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return ", ".join(ordered[:_NAMED]) + more
