"""A controller's view of the simulated host, in the place of ``observed.processes.host.Host``.

It gives the same guarantees: an end is told once, what is left behind is known by then, and
``on_gone`` comes last. What happens is told in a turn of the loop's own, never in a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.model.state.observed import Exit, Process, ProcessId, RunState, Tag
from reconciler.observed.processes.host import Found

if TYPE_CHECKING:
    from tests.loop.simulated.host import Alive, SimulatedHost


class Processes:
    """What one controller knows of the processes of its store."""

    doubted = False
    faults: tuple[str, ...] = ()

    def __init__(
        self,
        host: SimulatedHost,
        store: str,
        loop: asyncio.AbstractEventLoop,
        on_exit: Callable[[Process, Exit], None],
        on_gone: Callable[[Tag], None],
    ) -> None:
        self._host = host
        self._store = store
        self._loop = loop
        self._on_exit = on_exit
        self._on_gone = on_gone
        self._known: dict[str, Process] = {}
        self._left: dict[str, tuple[Tag, ProcessId]] = {}
        self._followed: dict[int, Callable[[], None]] = {}

    # -- what is known -------------------------------------------------------------------------

    def processes(self, app: str | None = None) -> tuple[Process, ...]:
        return tuple(one for one in self._known.values() if app in (None, one.tag.app))

    def apps(self) -> set[str]:
        return {one.tag.app for one in self._known.values()}

    def get(self, nonce: str) -> Process | None:
        return self._known.get(nonce)

    def pidfd(self, nonce: str) -> int | None:
        return None

    def nonce_of(self, pid: int) -> str | None:
        return next((n for n, one in self._known.items() if one.id.pid == pid), None)

    def members(self, nonce: str) -> tuple[ProcessId, ...]:
        known = self._known.get(nonce)
        return (known.id, *known.stragglers) if known is not None else ()

    def tag_of(self, nonce: str) -> Tag | None:
        known = self._known.get(nonce)
        return known.tag if known is not None else self._left.get(nonce, (None,))[0]

    def leftovers(self, nonce: str) -> tuple[ProcessId, ...]:
        return (self._left[nonce][1],) if nonce in self._left else ()

    def trust(self, uids: Iterable[int]) -> bool:
        return False

    def update(self, nonce: str, **changes: Any) -> None:
        if nonce in self._known:
            self._known[nonce] = replace(self._known[nonce], **changes)

    # -- who comes -----------------------------------------------------------------------------

    def register(self, process: Process, pidfd: int, user: int | None = None) -> None:
        self._known[process.tag.nonce] = process

    def relist(self, full: bool = False, *, turn: bool = False) -> Found:
        lives = [one for one in self._host.alive.values() if one.tag.store == self._store]
        adopted = [_seen(one) for one in lives if one.tag.nonce not in self._known]
        for process in adopted:
            self._known[process.tag.nonce] = process
        return Found(tuple(adopted), ())

    def follow(self, fd: int, call: Callable[[], None]) -> None:
        self._followed[fd] = call

    def unfollow(self, fd: int) -> None:
        self._followed.pop(fd, None)

    # -- what the host tells -------------------------------------------------------------------

    def heard(self, fd: int) -> None:
        """There is something to read."""

        def tell() -> None:
            if fd in self._followed:  # perhaps not any more by then
                self._followed[fd]()

        self._loop.call_soon(tell)

    def main_ended(self, nonce: str, exit: Exit, child: ProcessId | None) -> None:
        self._loop.call_soon(self._ended, nonce, exit, child)

    def child_ended(self, tag: Tag) -> None:
        self._loop.call_soon(self._gone, tag)

    def _ended(self, nonce: str, exit: Exit, child: ProcessId | None) -> None:
        process = self._known.pop(nonce, None)
        if process is None:
            return
        if child is not None:
            self._left[nonce] = (process.tag, child)
        self._on_exit(process, exit)
        if child is None:
            self._on_gone(process.tag)

    def _gone(self, tag: Tag) -> None:
        if self._left.pop(tag.nonce, None) is not None:
            self._on_gone(tag)

    # -- effects and samples -------------------------------------------------------------------

    def signal(self, nonce: str, signum: int) -> bool:
        return self._host.signal(nonce, signum)

    def signal_all(self, nonce: str, signum: int) -> int:
        return self._host.signal(nonce, signum) + self._host.signal_left(nonce, signum)

    def sample_states(self) -> set[str]:
        changed = set()
        for nonce, known in self._known.items():
            one = self._host.alive.get(nonce)
            stopping = known.state is RunState.STOPPING
            if one is not None and not stopping and one.state is not known.state:
                self._known[nonce] = replace(known, state=one.state)
                changed.add(known.tag.app)
        return changed

    def usage(self) -> dict[str, Any]:
        return {}

    def look_for_children(self) -> None:
        pass

    def close(self) -> None:
        if self._host.shown is self:
            self._host.shown = None


def _seen(one: Alive) -> Process:
    return Process(one.tag, one.id, one.began, one.state, starting=one.starting)
