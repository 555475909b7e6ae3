"""Hints that something below watched folders, or on the way to a file, may have changed.

Never what: events lead to a look, and to nothing else.

A *folder* is watched for all that happens in it, a *way* for what makes its path lead to something
else: every file, folder and link that is met from ``/`` on is watched by itself, so that a link
which is swapped far above is heard, and ten thousand files a second in /tmp are not. Only where a
step is missing the folder above it is watched for that name.

Inotify does not tell of a mount over a watched path; ``Mounts`` does.

One inotify descriptor in an event loop (``hints``); waiting costs nothing. An inode has one watch,
whatever its names are and however many ask for it. Where the user's watches are used up (or the
file system has none) the watchfiles library polls instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import operator
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from inotify_simple import Event, INotify, flags

from reconciler.loop.watching.mounts import Mounts
from reconciler.system.files.steps import MOST_LINKS, steps_of
from reconciler.system.work import door
from reconciler.system.work.door import UnansweredError

_GONE = flags.DELETE_SELF | flags.MOVE_SELF | flags.UNMOUNT
_FOLDER = (
    flags.CLOSE_WRITE
    | flags.CREATE
    | flags.DELETE
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.ATTRIB
    | flags.DELETE_SELF
    | flags.MOVE_SELF
)
# ATTRIB: another link to the inode is gone, which is all that happens to a file that is open.
# MODIFY: truncate(2) opens nothing, so nothing is closed.
_STEP = flags.ATTRIB | flags.DELETE_SELF | flags.MOVE_SELF
_FILE = _STEP | flags.MODIFY | flags.CLOSE_WRITE
_MISSING = flags.CREATE | flags.MOVED_TO
# Names that no app watches may come fast: seconds for which they are gathered.
_CALM = 0.05
_POLL = 2.0
"""Seconds between two looks without inotify."""


class Step(NamedTuple):
    """Something that is met on a way; with ``missing``, a folder in which that name is not."""

    path: str
    missing: str = ""
    is_folder: bool = False
    """Then writes are to what is in it, which may be a log that never rests."""


class _Interest(NamedTuple):
    """Why an inode is watched: as a folder, or as a step of ways."""

    path: str
    step: Step | None = None

    @property
    def is_itself(self) -> bool:
        """Whether what stands at the path is meant, also where it is a link."""
        return self.step is not None and not self.step.missing


class Folders:
    """``on_path(path)``: look there again; ``on_all()``: anywhere."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_path: Callable[[str], None],
        on_all: Callable[[], None],
        *,
        every_write: bool = True,
    ) -> None:
        """``every_write``: hear of each write to a file in a folder, not only of the last."""
        self._loop = loop
        self._of_folders = int(_FOLDER | (flags.MODIFY if every_write else 0))
        self._on_path = on_path
        self._on_all = on_all
        self._inotify: INotify | None = None
        self._mounts: Mounts | None = None
        self._numbers: dict[_Interest, int] = {}
        self._interests: dict[int, set[_Interest]] = {}
        """By watch descriptor: the two directions of one table."""
        self._folders: set[str] = set()
        self._ways: dict[str, set[Step]] = {}
        self._goals: dict[Step, set[str]] = {}
        self._calm: asyncio.TimerHandle | None = None
        self._poll: asyncio.Task[None] | None = None
        self._repoll = asyncio.Event()

    def watch(self, folders: Iterable[str], files: Iterable[str] = ()) -> bool:
        """Watch exactly these folders, and the ways to them and to these files.

        Whether there are folders that were not watched before: what was made in them until now has
        not been heard.
        """
        wanted, files = set(folders), set(files)
        gone = self._folders - wanted
        fresh = self.also(wanted)
        for folder in gone:
            self._drop_folder(folder)
        self._follow(wanted, files)
        return fresh

    def also(self, folders: Iterable[str]) -> bool:
        """Watch these, too; whether any was not watched before."""
        fresh = [folder for folder in folders if folder not in self._folders]
        watched = [folder for folder in fresh if self._add(_Interest(folder))]
        if fresh and self._poll is not None:
            watched = fresh
            self._repoll.set()
        self._folders.update(watched)
        return bool(watched)

    def has(self, folder: str) -> bool:
        """Whether what happens in it is heard."""
        return self._poll is not None or folder in self._folders

    def close(self) -> None:
        if self._poll is not None:
            self._poll.cancel()
        if self._calm is not None:
            self._calm.cancel()
        if self._mounts is not None:
            self._mounts.close()
            self._mounts = None
        if self._inotify is not None:
            self._loop.remove_reader(self._inotify.fileno())
            self._inotify.close()
            self._inotify = None
        self._numbers.clear()
        self._interests.clear()

    # -- ways ----------------------------------------------------------------------------------

    def _follow(self, folders: set[str], files: set[str]) -> None:
        """Watch the ways to these, and no others: of a folder in a watched one, its last step."""
        goals = {f for f in folders if os.path.dirname(f) not in folders or _is_link(f)}
        goals |= files
        for goal in self._ways.keys() - goals:
            self._leave(goal, self._ways.pop(goal))
        for goal in goals:
            self._follow_one(goal)

    def _follow_one(self, goal: str) -> None:
        """Watch the way to ``goal`` as it is now, also where it changes meanwhile."""
        known = self._ways.setdefault(goal, set())
        while self._poll is None:
            steps = {*way_to(goal)}
            self._leave(goal, known - steps)
            known &= steps  # in place: it is the way's own set
            for step in steps - known:
                self._goals.setdefault(step, set()).add(goal)
            known |= steps
            interests = [_Interest(step.path, step) for step in steps]
            unwatched = [one for one in interests if one not in self._numbers]
            if not [one for one in unwatched if self._add(one)]:
                return

    def _leave(self, goal: str, steps: Iterable[Step]) -> None:
        """These lead to ``goal`` no longer."""
        for step in [*steps]:
            goals = self._goals.get(step, set())
            goals.discard(goal)
            if not goals:
                self._goals.pop(step, None)
                self._drop(_Interest(step.path, step))

    # -- watches -------------------------------------------------------------------------------

    def _add(self, interest: _Interest) -> bool:
        """Have the kernel watch it; False where there is nothing to watch: the next look tells."""
        if interest in self._numbers:
            return True
        if self._poll is not None:
            return False
        try:
            inotify = self._inotify or self._begin()
            mask = self._mask_of(interest) | (flags.DONT_FOLLOW if interest.is_itself else 0)
            mask |= flags.MASK_ADD
            number = door.through(interest.path, inotify.add_watch, interest.path, mask)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM, errno.EMFILE, errno.ENFILE):
                self._fall_back()
            return False
        self._numbers[interest] = number
        self._interests.setdefault(number, set()).add(interest)
        return True

    def _begin(self) -> INotify:
        self._inotify = INotify(nonblocking=True)
        self._loop.add_reader(self._inotify.fileno(), self._readable)
        with contextlib.suppress(OSError):  # a sandbox without /proc: the periodic scan remains
            self._mounts = Mounts(self._loop, self._mounted)
        return self._inotify

    def _drop(self, interest: _Interest) -> None:
        number = self._numbers.pop(interest, None)
        if number is None or self._inotify is None:
            return
        left = self._interests[number]
        left.discard(interest)
        masks = [self._mask_of(one) for one in left]
        if left and not self._mask_of(interest) & ~functools.reduce(operator.or_, masks):
            return  # the others hear as much
        del self._interests[number]
        try:
            self._inotify.rm_watch(number)
        except OSError:
            pass  # the inode is gone, and the watch with it
        for one in left:
            del self._numbers[one]
            if not self._add(one) and one.step is None:
                self._folders.discard(one.path)

    def _mask_of(self, interest: _Interest) -> int:
        if interest.step is None:
            return self._of_folders
        if interest.step.missing:
            return int(_MISSING | _GONE)
        return int(_STEP if interest.step.is_folder else _FILE)

    def _drop_folder(self, folder: str) -> None:
        self._folders.discard(folder)
        self._drop(_Interest(folder))

    # -- events --------------------------------------------------------------------------------

    def _readable(self) -> None:
        assert self._inotify is not None
        paths: set[str] = set()
        lost = False
        for event in self._inotify.read(timeout=0):
            lost = lost or bool(event.mask & flags.Q_OVERFLOW)
            for interest in [*self._interests.get(event.wd, ())]:
                paths.update(self._hints(event, interest))
            if event.mask & flags.IGNORED:
                self._forget(event.wd)
        if self._inotify is None:
            return
        if not paths and not lost:
            self._be_calm()
        for path in paths:
            self._on_path(path)
        if lost:
            self._on_all()

    def _hints(self, event: Event, interest: _Interest) -> Iterator[str]:
        """The paths to look at again for an event, as seen by one who is interested."""
        path, step = interest
        if step is None:
            if event.mask & (self._of_folders | _GONE | flags.IGNORED):
                if not event.name and event.mask & flags.MOVE_SELF:
                    self._drop_below(path)  # other folders take their names
                yield os.path.join(path, event.name) if event.name else path
        elif event.name == step.missing and event.mask & (
            self._mask_of(interest) | _GONE | flags.IGNORED
        ):
            for goal in [*self._goals.get(step, ())]:
                self._drop_below(goal)
                self._follow_one(goal)
                yield goal

    def _mounted(self, points: set[str]) -> None:
        """At and below these paths there may be other files than those that are watched."""
        folders = [one for one in self._folders if _is_within(one, points)]
        goals = [
            goal
            for goal, steps in self._ways.items()
            if any(_is_within(step.path, points) for step in steps)
        ]
        for goal in goals:
            self._leave(goal, self._ways[goal])
            self._ways[goal].clear()
            self._drop_below(goal)
        for folder in folders:
            self._drop_folder(folder)
        for goal in goals:
            self._follow_one(goal)
        for path in {*goals, *folders}:
            self._on_path(path)

    def _drop_below(self, path: str) -> None:
        """What is now at a path, and below it, is not what is watched by these names."""
        below = path + os.sep
        for folder in [one for one in self._folders if one == path or one.startswith(below)]:
            self._drop_folder(folder)

    def _forget(self, number: int) -> None:
        """The kernel has ended a watch, since the inode is gone; one of its name may come."""
        for interest in self._interests.pop(number, set()):
            self._numbers.pop(interest, None)
            if interest.step is None:
                self._folders.discard(interest.path)
            for goal in [*self._goals.get(interest.step, ())] if interest.step else ():
                self._ways.get(goal, set()).discard(interest.step)
                self._follow_one(goal)

    def _be_calm(self) -> None:
        """Nothing of what came was waited for: let more of it come together."""
        if self._inotify is not None and self._calm is None:
            self._loop.remove_reader(self._inotify.fileno())
            self._calm = self._loop.call_later(_CALM, self._listen)

    def _listen(self) -> None:
        self._calm = None
        if self._inotify is not None:
            self._loop.add_reader(self._inotify.fileno(), self._readable)

    # -- without inotify -----------------------------------------------------------------------

    def _fall_back(self) -> None:
        self.close()
        self._ways.clear()
        self._goals.clear()
        self._poll = self._loop.create_task(self._polled())

    async def _polled(self) -> None:
        from watchfiles import awatch  # noqa: PLC0415  4 MiB that only this fallback needs

        every = int(_POLL * 1000)
        while True:
            self._repoll.clear()
            self._on_all()
            found = [folder for folder in self._folders if door.is_folder(folder)]
            try:
                async for changes in awatch(
                    *found,
                    force_polling=True,
                    poll_delay_ms=every // 2,
                    step=every // 2,
                    rust_timeout=every,
                    yield_on_timeout=True,
                    recursive=False,
                    stop_event=self._repoll,
                ):
                    for _, path in changes:
                        self._on_path(path)
                    self._on_all()  # a link on the way may lead elsewhere
            except (OSError, RuntimeError):
                pass  # a folder is gone
            await asyncio.sleep(_POLL / 2)


def way_to(path: str) -> Iterator[Step]:
    """Everything that is met on the way to ``path``, which is absolute, links and all."""
    names, at, links = steps_of(path), "/", 0
    while names:
        name = names.pop()
        if name == "..":
            at = os.path.dirname(at)
            continue
        step = os.path.join(at, name)
        try:
            mode = door.lstat(step).st_mode
            is_link = stat.S_ISLNK(mode)
            target = door.readlink(step) if is_link else ""
        except OSError:
            yield Step(at, name)
            return
        yield Step(step, is_folder=stat.S_ISDIR(mode))
        if not is_link:
            at = step
            continue
        links += 1
        if links > MOST_LINKS:
            return
        names += steps_of(target)
        at = "/" if target.startswith("/") else at


def _is_link(path: str) -> bool:
    try:
        return door.is_link(path)
    except UnansweredError:
        return False


def _is_within(path: str, points: set[str]) -> bool:
    """Whether it is one of these, or lies below one."""
    while path not in points:
        above = os.path.dirname(path)
        if above == path:
            return False
        path = above
    return True
