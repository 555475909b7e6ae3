"""The user who requests a change: the kernel says which user has connected.

A name may be known to a server only, which may not answer: so a thread asks for it, and a change is
held up for a moment at most.
"""

from __future__ import annotations

from functools import partial

from reconciler.api.asgi.request import Request
from reconciler.api.server.aside import Aside
from reconciler.model.state.event import Actor
from reconciler.system import accounts

_PATIENCE = 0.3
"""Seconds for a name; after that the number has to do."""


class Actors:
    """Finds the user behind a request, by name."""

    def __init__(self) -> None:
        self._aside = Aside(most=2)

    async def of(self, request: Request, verb: str) -> Actor:
        """The user who sent a request."""
        uid = int(request.scope["recon.uid"])
        name = await self._aside.run(partial(accounts.user_name, uid), _PATIENCE)
        return Actor(verb, uid, name or "")
