"""Every way in which people and tools change a directory gives a hint."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest

from reconciler.desired.directory.store import ManifestStore
from reconciler.loop.watching.answers import Answers
from reconciler.loop.watching.watch import Watcher
from reconciler.system.work.worker import Workers


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


async def watch(watcher: Watcher, root: Path, files: Iterable[Path] = ()) -> None:
    """As after a look at the manifests."""
    store = ManifestStore(root)
    store.scan()
    watcher.watch(store.folders, {*store.apart, *map(str, files)}, lambda fresh: None)
    await until(lambda: watcher.is_settled, "watched")


def watching(root: Path, body: Callable[[Watcher, Hints], Awaitable[None]]) -> None:
    async def run() -> None:
        hints = Hints()

        def scan() -> None:
            hints.scans += 1

        loop = asyncio.get_running_loop()
        workers = Workers(loop)
        watcher = Watcher(root, loop, Answers(loop, workers), hints.paths.update, scan)
        await watch(watcher, root)
        hints.clear()
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
        await watch(watcher, root)
        (root / "fresh" / "b.yaml").write_text("x")
        await until(lambda: root / "fresh" / "b.yaml" in hints.paths, "file in new folder")

    watching(root, body)


def test_root_swapped_or_removed_asks_for_a_scan(root: Path) -> None:
    async def body(watcher: Watcher, hints: Hints) -> None:
        root.rename(root.with_name("aside"))
        await until(lambda: hints.scans > 0, "root moved")
        await watch(watcher, root)
        hints.clear()
        root.mkdir()
        await until(lambda: hints.scans > 0, "root made again")
        await watch(watcher, root)
        hints.clear()
        shutil.rmtree(root)
        await until(lambda: hints.scans > 0, "root removed")

    watching(root, body)


def test_env_file_outside_is_hinted_and_its_neighbours_are_not(root: Path) -> None:
    async def body(watcher: Watcher, hints: Hints) -> None:
        outside = root.parent / "secrets"
        outside.mkdir()
        await watch(watcher, root, [outside / ".env"])
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

    monkeypatch.setattr("reconciler.loop.watching.folders.INotify.add_watch", refuse)

    async def body(watcher: Watcher, hints: Hints) -> None:
        await until(lambda: hints.scans > 0, "polling begins")
        versions = itertools.count()

        def noticed() -> bool:
            (root / "a.yaml").write_text("x" * next(versions))
            return root / "a.yaml" in hints.paths

        await until(noticed, "polled")

    watching(root, body)


# -- links and folders that come and go ------------------------------------------------------------


def relink(link: Path, target: str | Path) -> None:
    fresh = link.with_name(f".{link.name}.new")
    fresh.symlink_to(target)
    fresh.rename(link)


def test_a_manifest_that_is_a_link_is_heard_where_its_target_is_edited(root: Path) -> None:
    (root.parent / "real").mkdir()
    (root.parent / "real/a.yaml").write_text("x")
    (root / "a.yaml").symlink_to("../real/a.yaml")

    async def body(watcher: Watcher, hints: Hints) -> None:
        (root.parent / "real/a.yaml").write_text("y")
        await until(lambda: root / "a.yaml" in hints.paths, "target edited")
        (root.parent / "real/.new").write_text("z")
        (root.parent / "real/.new").rename(root.parent / "real/a.yaml")
        hints.clear()
        await until(lambda: root / "a.yaml" in hints.paths or bool(hints.paths), "renamed over")

    watching(root, body)


def test_a_manifest_that_has_another_name_is_heard_when_it_is_written_by_that(root: Path) -> None:
    file, other = root / "a.yaml", root.with_name("other")
    file.write_text("x")
    other.hardlink_to(file)

    async def body(watcher: Watcher, hints: Hints) -> None:
        other.write_text("y")
        await until(lambda: file in hints.paths, "written by its other name")

    watching(root, body)


def test_a_config_map_is_heard_each_time_that_its_data_is_swapped(root: Path) -> None:
    """As kubelet does it: files are links to ``..data/name``, which is a link to a folder."""
    for number in (1, 2, 3):
        (root / f"..{number}").mkdir()
        (root / f"..{number}/a.yaml").write_text(str(number))
    (root / "..data").symlink_to("..1")
    (root / "a.yaml").symlink_to("..data/a.yaml")

    async def body(watcher: Watcher, hints: Hints) -> None:
        for number in (2, 3):
            hints.clear()
            relink(root / "..data", f"..{number}")
            await until(lambda: root / "a.yaml" in hints.paths, f"swapped to {number}")

    watching(root, body)


def test_a_root_that_is_a_link_to_a_release_asks_for_a_scan_where_it_is_swapped(
    root: Path,
) -> None:
    (root.parent / "next").mkdir()
    (root.parent / "link").symlink_to(root.name)
    (root.parent / "far").symlink_to("link")

    async def body(watcher: Watcher, hints: Hints) -> None:
        relink(root.parent / "link", "next")
        await until(lambda: hints.scans > 0, "root swapped")
        await watch(watcher, root.parent / "far")
        (root.parent / "next/a.yaml").write_text("x")
        await until(lambda: root.parent / "far/a.yaml" in hints.paths, "written in the new one")

    watching(root.parent / "far", body)


def test_folders_that_come_and_go_meanwhile_raise_nothing(root: Path) -> None:
    def flicker() -> None:
        for number in range(1000):
            (root / f"d{number % 7}").mkdir()
            (root / f"d{number % 7}").rmdir()

    async def body(watcher: Watcher, hints: Hints) -> None:
        loop = asyncio.get_running_loop()
        faults: list[object] = []
        loop.set_exception_handler(lambda _, context: faults.append(context))
        work = loop.run_in_executor(None, flicker)
        while not work.done():
            await watch(watcher, root)
            await asyncio.sleep(0)
        await work
        hints.clear()
        (root / "a.yaml").write_text("x")
        await until(lambda: root / "a.yaml" in hints.paths, "still watched")
        assert not faults

    watching(root, body)
