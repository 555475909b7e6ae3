"""`--watch` for authors of manifests: the result again, each time that a file is saved.

Looked at are the manifests and the env and secret files that they name. watchfiles wakes us as soon
as something happens in their folders; what it cannot see (a directory that is removed and made
again, a file system without inotify, a link far above) is found by the look at the end of
``_PATIENCE``. What counts is whether a file is another than at the last look, so that editors may
save as they like: in place, by renaming, with leftovers beside it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from reconciler.api.errors import ClientError
from reconciler.cli.framework.errors import CliError
from reconciler.desired.directory.store import ManifestStore
from reconciler.desired.files import Signature, signature
from reconciler.render.formats import place
from reconciler.render.terminal import colours, is_terminal, paint
from reconciler.system.work import door
from reconciler.system.work.door import UnansweredError
from reconciler.system.work.look import patiently

_PATIENCE = 1.0
"""Seconds between two looks where nothing wakes us; more where a look takes long."""
_SHARE = 20
"""So many times what a look took."""
_GATHERED_MS = 400
"""Milliseconds in which saves are taken together, where one follows the other (git checkout)."""
_CLEAR = "\x1b[H\x1b[2J"
_Seen = dict[str, Signature | None]


def again_on_save(
    show: Callable[[], object], stores: Sequence[ManifestStore], *, headed: bool
) -> None:
    """Show the result now and after each save, until Ctrl-C. ``headed``: with a line of the time.

    What cannot be shown at first ends this (a misspelt path). Later the reason is printed, and the
    next save is waited for.
    """
    sources = Sources(stores)
    _head("all manifests; Ctrl-C ends", headed)
    show()
    for saved in sources.saves():
        _head(saved, headed)
        try:
            show()
        except BrokenPipeError:
            raise
        except (CliError, ClientError, UnansweredError, OSError) as error:
            print(f"recon: {error}", file=sys.stderr)
        sys.stdout.flush()


def _head(event: str, headed: bool) -> None:
    if not headed:
        return
    on_terminal = is_terminal() and os.environ.get("TERM", "") != "dumb"
    print(_CLEAR if on_terminal else "", end="")
    print(paint(f"{time.strftime('%H:%M:%S')}  {event}", "dim", on=colours()), flush=True)


class Sources:
    """The files that manifests are made of, as they were at the last look."""

    def __init__(self, stores: Sequence[ManifestStore]) -> None:
        self._stores = stores
        self._took = 0.0
        self._folders: set[str] = set()
        self._missing: set[str] = set()
        """Directories of manifests that are not there: one that was empty takes no file along."""
        self._seen = self._look()

    def saves(self) -> Iterator[str]:
        """A phrase for each time that files are others than at the last look."""
        while True:
            for _ in chain((None,), _changes(self._folders, max(_PATIENCE, _SHARE * self._took))):
                missing, seen = self._missing, self._look()
                if seen != self._seen or self._missing != missing:
                    phrase = _phrase(seen, self._seen, self._missing ^ missing)
                    self._seen = seen
                    yield phrase
                    break  # there may be other folders now

    def _look(self) -> _Seen:
        began = time.monotonic()
        seen, self._folders, self._missing = patiently(self._found)
        self._took = time.monotonic() - began
        return seen

    def _found(self) -> tuple[_Seen, set[str], set[str]]:
        """The files, the folders in which they and others may be saved, and what is missing."""
        seen = {path: _signature(path) for path in self._paths()}
        folders = {os.path.dirname(path) for path in seen}
        folders.update(folder for store in self._stores for folder in store.folders)
        missing = {str(store.root) for store in self._stores if not _is_folder(str(store.root))}
        return seen, set(filter(_is_folder, folders)), missing

    def _paths(self) -> Iterator[str]:
        for store in self._stores:
            store.scan()
            yield from store.sources


def _signature(path: str) -> Signature | None:
    try:
        return signature(path)
    except UnansweredError:
        return None


def _is_folder(path: str) -> bool:
    try:
        return door.is_folder(path)
    except UnansweredError:
        return False


def _changes(folders: Iterable[str], patience: float) -> Iterator[None]:
    """Whenever something may have happened in the folders, and after so many seconds."""
    from watchfiles import watch  # noqa: PLC0415  60 ms that only `--watch` needs

    try:
        for _ in watch(
            *folders,
            watch_filter=None,
            debounce=_GATHERED_MS,
            rust_timeout=int(patience * 1000),
            yield_on_timeout=True,
            recursive=False,
            ignore_permission_denied=True,
        ):
            yield
    except (OSError, RuntimeError):
        pass  # no folder, no more watches of inotify, a folder that went away just now
    time.sleep(patience)
    yield


def _phrase(seen: _Seen, before: _Seen, directories: set[str]) -> str:
    """Which files changed, else which of these. A file that is only named since, or no more, has
    not."""
    known = [path for path, was in before.items() if seen.get(path, _signature(path)) != was]
    changed = sorted(known or seen.keys() ^ before.keys() or directories)
    others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"{place(changed[0])}{others} changed"
