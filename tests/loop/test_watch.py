"""Every way in which people and tools change a directory gives a hint."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from reconciler.loop.watch import Watcher


class Hints:
    def __init__(self) -> None:
        self.paths: set[Path] = set()
        self.scans = 0

    def clear(self) -> None:
        self.paths.clear()
        self.scans = 0


async def until(condition: Callable[[], bool], what: str) -> None:
    deadline = asyncio.get_running_loop().time() + 60
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"no hint: {what}"
        await asyncio.sleep(0.005)


def watching(root: Path, body: Callable[[Watcher, Hints], Awaitable[None]]) -> None:
    async def run() -> None:
        hints = Hints()

        def scan() -> None:
            hints.scans += 1

        watcher = Watcher(root, asyncio.get_running_loop(), hints.paths.update, scan)
        watcher.watch()
        try:
            await body(watcher, hints)
        finally:
            watcher.close()

    asyncio.run(run())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "manifests" / "below").mkdir(parents=True)
    return tmp_path / "manifests"


def test_write_rename_and_delete_name_the_file(root: Path) -> None:
    async def body(watcher: Watcher, hints: Hints) -> None:
        file = root / "below" / "a.yaml"
        file.write_text("x")
        await until(lambda: file in hints.paths, "written")
        hints.clear()
        (root / "new").write_text("y")
        (root / "new").rename(file)
        await until(lambda: file in hints.paths, "renamed over")
        hints.clear()
        file.unlink()
        await until(lambda: file in hints.paths, "deleted")

    watching(root, body)


def test_new_folder_asks_for_a_scan_and_is_watched_after_the_next_look(root: Path) -> None:
    async def body(watcher: Watcher, hints: Hints) -> None:
        (root / "fresh").mkdir()
        await until(lambda: hints.scans > 0, "new folder")
        watcher.watch()
        (root / "fresh" / "b.yaml").write_text("x")
        await until(lambda: root / "fresh" / "b.yaml" in hints.paths, "file in new folder")

    watching(root, body)


def test_root_swapped_or_removed_asks_for_a_scan(root: Path) -> None:
    async def body(watcher: Watcher, hints: Hints) -> None:
        root.rename(root.with_name("aside"))
        await until(lambda: hints.scans > 0, "root moved")
        watcher.watch()
        hints.clear()
        root.mkdir()
        await until(lambda: hints.scans > 0, "root made again")
        watcher.watch()
        hints.clear()
        shutil.rmtree(root)
        await until(lambda: hints.scans > 0, "root removed")

    watching(root, body)


def test_env_file_outside_is_hinted_and_its_neighbours_are_not(root: Path) -> None:
    async def body(watcher: Watcher, hints: Hints) -> None:
        outside = root.parent / "secrets"
        outside.mkdir()
        watcher.watch([outside / ".env"])
        (outside / "neighbour").write_text("x")
        (outside / ".env").write_text("A=1")
        await until(lambda: bool(hints.paths), "env file")
        assert hints.paths == {outside / ".env"}

    watching(root, body)


def test_loop_of_links_ends(root: Path) -> None:
    (root / "round").symlink_to(root)

    async def body(watcher: Watcher, hints: Hints) -> None:
        (root / "a.yaml").write_text("x")
        await until(lambda: bool(hints.paths), "file beside a loop")

    watching(root, body)


def test_where_inotify_cannot_serve_polling_does(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, os.strerror(28))  # ENOSPC: the user's watches are used up

    monkeypatch.setattr("reconciler.loop.watch.INotify.add_watch", refuse)

    async def body(watcher: Watcher, hints: Hints) -> None:
        await until(lambda: hints.scans > 0, "polling begins")
        versions = itertools.count()

        def noticed() -> bool:
            (root / "a.yaml").write_text("x" * next(versions))
            return root / "a.yaml" in hints.paths

        await until(noticed, "polled")

    watching(root, body)
