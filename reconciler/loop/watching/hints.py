"""Hints of changes (``folders``), from a thread of their own: to watch a path is to touch it.

The thread runs an event loop with nothing in it but the watches. Where it stands at one path for
``PATIENCE`` it is left behind, and another one watches everything but that path.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable
from typing import Any

from reconciler.loop.watching.answers import Answers
from reconciler.loop.watching.folders import Folders
from reconciler.system.work import door, threads
from reconciler.system.work.door import GivenUp, UnansweredError, Visit
from reconciler.system.work.look import CHECK, MOST_STUCK

OnPaths = Callable[[set[str]], None]
Then = Callable[[bool], None]


def _nothing(fresh: bool) -> None:
    """Ignore an event."""


class Hints:
    """``on_paths``: look there again; ``on_all``: anywhere."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        answers: Answers,
        on_paths: OnPaths,
        on_all: Callable[[], None],
        *,
        every_write: bool = True,
        leave_out: Callable[[str], bool] = lambda path: False,
    ) -> None:
        """``every_write``: as of ``Folders``. ``leave_out``: paths whose events are dropped; it
        is asked in the thread, and may touch them."""
        self._loop = loop
        self._answers = answers
        self._on_paths = on_paths
        self._on_all = on_all
        self._every_write = every_write
        self.leave_out = leave_out
        self._thread: _Thread | None = None
        self._stuck: list[_Thread] = []
        self._folders: set[str] = set()
        self._files: set[str] = set()
        self._waiting: list[Then] = []
        """Of what the thread was told and has not done yet, in order."""
        self._is_checking = False
        self._closed = False
        answers.listen(self._watch_anew)

    def watch(
        self, folders: Iterable[str], files: Iterable[str] = (), then: Then = _nothing
    ) -> None:
        """Watch exactly these folders, and the ways to them and to these files.

        ``then(fresh)`` is called when that is so, and told whether there are folders that were not
        watched before: what was made in them until then has not been heard.
        """
        wanted, ways = set(folders), set(files)
        self._folders, self._files = {*wanted}, ways
        self._do(lambda watched: watched.watch(wanted, ways), then)

    def also(self, folders: Iterable[str], then: Then) -> None:
        """Watch these, too."""
        wanted = set(folders)
        self._folders |= wanted
        self._do(lambda watched: watched.also(wanted), then)

    def has(self, folder: str) -> bool:
        """Whether what happens in it is heard."""
        return self._thread is not None and self._thread.folders.has(folder)

    @property
    def is_settled(self) -> bool:
        """Whether all is watched that was asked for."""
        return not self._waiting

    def look_after(self) -> None:
        """To be called now and then: the thread may have come to stand still by itself."""
        if self._thread is not None and self._thread.visit.at:
            self._check_later(self._thread)

    def close(self) -> None:
        self._closed = True
        if self._thread is not None:
            self._thread.end()

    def _do(self, call: Callable[[Folders], bool], then: Then) -> None:
        thread = self._thread or self._begun()
        if thread is None:  # the periodic look finds what changes
            self._loop.call_soon(then, False)
            return
        self._waiting.append(then)
        thread.do(call)
        self._check_later(thread)

    def _check_later(self, thread: _Thread) -> None:
        if not self._is_checking:
            self._is_checking = True
            self._loop.call_later(CHECK, self._check, thread)

    def _begun(self) -> _Thread | None:
        """A thread; None where there can be none now."""
        self._stuck = [thread for thread in self._stuck if thread.is_alive()]
        if not self._closed and len(self._stuck) < MOST_STUCK:
            with contextlib.suppress(OSError):
                visit = Visit(self._answers.unanswered)
                self._thread = _Thread(self._loop, visit, self, every_write=self._every_write)
        return self._thread

    def _check(self, thread: _Thread) -> None:
        """Leave it behind where it stands still."""
        self._is_checking = False
        if thread is not self._thread or self._closed:
            return
        if not thread.visit.stands_still():
            if self._waiting or thread.visit.at:
                self._check_later(thread)
            return
        self._answers.missing(thread.visit.at)
        thread.give_up()
        self._stuck.append(thread)
        self._thread = None
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            self._loop.call_soon(then, False)
        self._watch_anew()

    def _watch_anew(self) -> None:
        """Watch what can be watched now, and have everything looked at that was not before."""
        if self._thread is not None:
            self._thread.visit.unanswered = self._answers.unanswered
        self.watch(self._folders, self._files, lambda fresh: self._on_all() if fresh else None)

    # -- what the thread tells ---------------------------------------------------------------------

    def done(self, thread: _Thread, fresh: bool) -> None:
        """It has done what it was told first."""
        if thread is self._thread and not self._closed:
            self._waiting.pop(0)(fresh)

    def heard(self, thread: _Thread, paths: set[str]) -> None:
        """Something may have changed there; anywhere, where there are no paths."""
        if thread is not self._thread or self._closed:
            return
        if paths:
            self._on_paths(paths)
        else:
            self._on_all()


class _Thread:
    """Folders, watched in a thread. Its owner is told in the loop that it lives in."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, visit: Visit, owner: Hints, *, every_write: bool
    ) -> None:
        """OSError where there can be no thread."""
        self._main = loop
        self._owner = owner
        self._heard: set[str] = set()
        self.visit = visit
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._failed)
        self.folders = Folders(self._loop, self._hint, self._hint_all, every_write=every_write)
        try:
            self._thread: threading.Thread = threads.start(self._run, name="hints")
        except OSError:
            self._loop.close()
            raise

    def do(self, call: Callable[[Folders], bool]) -> None:
        self._loop.call_soon_threadsafe(self._do, call)

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def give_up(self) -> None:
        """It ends where it returns."""
        self.visit.given_up = True
        self.end()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    # -- in the thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        with door.visiting(self.visit):
            self._loop.run_forever()
        self.folders.close()
        self._loop.close()

    def _do(self, call: Callable[[Folders], bool]) -> None:
        fresh = call(self.folders)
        self._tell(self._owner.done, fresh)

    def _hint(self, path: str) -> None:
        if not self._heard:
            self._loop.call_soon(self._tell_all)
        self._heard.add(path)

    def _hint_all(self) -> None:
        self._tell(self._owner.heard, set())

    def _tell_all(self) -> None:
        """All that came at once, together."""
        heard, self._heard = self._heard, set()
        heard = {path for path in heard if not self._leaves_out(path)}
        if heard:
            self._tell(self._owner.heard, heard)

    def _leaves_out(self, path: str) -> bool:
        try:
            return self._owner.leave_out(path)
        except UnansweredError:
            return False

    def _tell(self, call: Callable[..., None], *what: object) -> None:
        with contextlib.suppress(RuntimeError):  # recon has ended meanwhile
            self._main.call_soon_threadsafe(call, self, *what)

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), GivenUp):
            with contextlib.suppress(RuntimeError):
                self._main.call_soon_threadsafe(self._main.call_exception_handler, context)
