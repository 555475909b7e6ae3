"""What happens below a folder is heard, whatever took which name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from inotify_simple import Event

from reconciler.desired.watched.content import trees_of
from reconciler.loop.watching.folders import _CALM, Folders, Step, way_to
from reconciler.model.spec.watch import Watch


async def _heard(hints: asyncio.Queue[str], path: Path) -> None:
    """Until something was heard of ``path``; TimeoutError if never."""
    async with asyncio.timeout(10):
        while await hints.get() != str(path):
            pass


def test_a_folder_that_took_the_name_of_another_is_heard(tmp_path: Path) -> None:
    async def swap() -> None:
        (tmp_path / "dist/sub").mkdir(parents=True)
        (tmp_path / "next/sub").mkdir(parents=True)
        trees = trees_of(Watch(paths=("dist",)), str(tmp_path))
        trees.look()
        hints: asyncio.Queue[str] = asyncio.Queue()
        folders = Folders(asyncio.get_running_loop(), hints.put_nowait, lambda: None)
        try:
            folders.watch(trees.folders())
            (tmp_path / "dist").rename(tmp_path / "old")
            (tmp_path / "next").rename(tmp_path / "dist")
            await _heard(hints, tmp_path / "dist")
            trees.look()
            folders.watch(trees.folders())
            (tmp_path / "dist/sub/text").write_text("new")
            await _heard(hints, tmp_path / "dist/sub/text")
        finally:
            folders.close()

    asyncio.run(swap())


def test_a_folder_that_is_made_is_discovered_with_what_lies_below(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    watch = Watch(paths=("src", "dist/js"), ignore=("skip",))
    trees = trees_of(watch, str(tmp_path))
    trees.look()
    for name in ("src/a/b", "src/a/skip", "dist/js/c", "other"):
        (tmp_path / name).mkdir(parents=True)
    below = {str(tmp_path / name) for name in ("src/a", "src/a/b")}
    assert trees.discover(str(tmp_path / "src/a")) == below
    made = {str(tmp_path / name) for name in ("dist", "dist/js", "dist/js/c")}
    assert trees.discover(str(tmp_path / "dist")) == made
    assert trees.discover(str(tmp_path / "other")) == set()
    trees.look()
    assert below | made <= trees.folders()


# -- ways ----------------------------------------------------------------------------------------


def heard_of(
    tmp_path: Path,
    goal: Path,
    change: Callable[[Path], object],
    *,
    folders: Iterable[Path] = (),
    others: Iterable[Path] = (),
) -> set[str]:
    """What is heard until ``goal`` is, when ``change`` happens to what lies below ``tmp_path``."""

    async def run() -> set[str]:
        hints: asyncio.Queue[str] = asyncio.Queue()
        found = Folders(asyncio.get_running_loop(), hints.put_nowait, lambda: None)
        try:
            found.watch(map(str, folders), map(str, [goal, *others]))
            change(tmp_path)
            heard = set[str]()
            async with asyncio.timeout(60):
                while str(goal) not in heard:
                    heard.add(await hints.get())
            while not hints.empty():
                heard.add(hints.get_nowait())
            return heard
        finally:
            found.close()

    return asyncio.run(run())


def release(home: Path) -> Path:
    """``current/conf/.env`` by way of links: one relative, one absolute, one to a link."""
    for number in (1, 2):
        (home / f"releases/{number}").mkdir(parents=True)
        (home / f"releases/{number}/env-{number}").write_text(f"A={number}")
        (home / f"releases/{number}/.env").symlink_to(f"env-{number}")
    (home / "current").symlink_to("releases/1")
    (home / "srv").mkdir()
    (home / "srv/app").symlink_to(home / "current")
    (home / "app").symlink_to("srv/../srv/app")
    return home / "app/.env"


def relink(link: Path, target: str | Path) -> None:
    """As `ln -sfn` of a careful person, git-sync and kubelet do it."""
    fresh = link.with_name(f"{link.name}.new")
    fresh.symlink_to(target)
    fresh.rename(link)


def remake(link: Path, target: str) -> None:
    """As `ln -sfn` does it, with a moment in which there is none."""
    link.unlink()
    link.symlink_to(target)


def twice(home: Path) -> None:
    relink(home / "current", "releases/2")
    relink(home / "current", "releases/1")


CHANGES: dict[str, Callable[[Path], object]] = {
    "swapped": lambda home: relink(home / "current", "releases/2"),
    "swapped twice": twice,
    "made again": lambda home: remake(home / "current", "releases/2"),
    "swapped above": lambda home: relink(home / "srv/app", home / "releases/2"),
    "the nearest": lambda home: relink(home / "releases/1/.env", "../2/env-2"),
    "the first": lambda home: relink(home / "app", "releases/2"),
    "written behind links": lambda home: (home / "releases/1/env-1").write_text("B=1"),
    "renamed over": lambda home: (
        (home / "releases/2/env-2").replace(home / "releases/1/env-1") and None
    ),
    "truncated": lambda home: os.truncate(home / "releases/1/env-1", 0),
    "removed": lambda home: (home / "releases/1/env-1").unlink(),
    "a folder moved": lambda home: (home / "releases").rename(home / "old"),
    "a mode": lambda home: (home / "srv").chmod(0o777),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_happens_on_the_way_to_a_file_is_heard(tmp_path: Path, what: str) -> None:
    goal = release(tmp_path)
    (tmp_path / "other").write_text("")
    other = tmp_path / "other"
    assert str(other) not in heard_of(tmp_path, goal, CHANGES[what], others=[other])


def test_what_comes_after_a_change_on_the_way_is_heard_too(tmp_path: Path) -> None:
    goal = release(tmp_path)

    async def run() -> None:
        hints: asyncio.Queue[str] = asyncio.Queue()
        folders = Folders(asyncio.get_running_loop(), hints.put_nowait, lambda: None)
        try:
            folders.watch([], [str(goal)])
            for change in (
                lambda: relink(tmp_path / "current", "releases/2"),
                lambda: (tmp_path / "releases/2/env-2").write_text("C=1"),
                (tmp_path / "current").unlink,
                lambda: (tmp_path / "current").symlink_to("releases/3"),
                (tmp_path / "releases/3").mkdir,
                lambda: (tmp_path / "releases/3/.env").write_text("D=1"),
            ):
                while not hints.empty():
                    hints.get_nowait()
                change()
                await _heard(hints, goal)
        finally:
            folders.close()

    asyncio.run(run())


def test_a_loop_of_links_is_no_endless_way(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    steps = [*way_to(str(tmp_path / "a/x"))]
    assert Step(str(tmp_path / "a")) in steps and len(steps) < 200
    heard_of(tmp_path, tmp_path / "a/x", lambda home: relink(home / "b", "."))


def test_two_names_of_one_folder_are_both_heard(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "same").symlink_to("dist")
    both = [tmp_path / "dist", tmp_path / "same"]
    heard = heard_of(
        tmp_path,
        tmp_path / "same/x",
        lambda home: (home / "dist/x").write_text(""),
        folders=both,
    )
    assert {str(folder / "x") for folder in both} <= heard


def test_who_leaves_a_folder_takes_nobody_elses_watch_along(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "same").symlink_to("dist")

    async def run() -> None:
        hints: asyncio.Queue[str] = asyncio.Queue()
        folders = Folders(asyncio.get_running_loop(), hints.put_nowait, lambda: None)
        try:
            folders.watch([str(tmp_path / "dist"), str(tmp_path / "same")])
            folders.watch([str(tmp_path / "dist")])
            (tmp_path / "dist/x").write_text("")
            await _heard(hints, tmp_path / "dist/x")
        finally:
            folders.close()

    asyncio.run(run())


def test_a_busy_folder_on_the_way_wakes_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand files come and go beside a link, and beside a name that is missing."""
    goal, missing = release(tmp_path), tmp_path / "not-there"

    async def run() -> None:
        loop = asyncio.get_running_loop()
        hints: asyncio.Queue[str] = asyncio.Queue()
        folders = Folders(loop, hints.put_nowait, lambda: None)
        reads: list[int] = []
        try:
            folders.watch([], [str(goal), str(missing)])
            inotify = folders._inotify
            assert inotify is not None
            real = inotify.read

            def read(timeout: int) -> list[Event]:
                reads.append(1)
                found: list[Event] = real(timeout=timeout)
                return found

            monkeypatch.setattr(inotify, "read", read)
            began = loop.time()
            for number in range(10_000):
                (tmp_path / f"busy-{number}").touch()
                (tmp_path / f"busy-{number}").unlink()
                if number % 10 == 0:
                    await asyncio.sleep(0)
            took = loop.time() - began
            assert hints.empty() and len(reads) <= 2 + took / _CALM
            missing.write_text("")
            await _heard(hints, missing)
        finally:
            folders.close()

    asyncio.run(run())


def test_what_is_written_in_a_folder_on_the_way_wakes_nobody(
    tmp_path: Path,
) -> None:
    """A log that never rests, beside the folder of the manifests."""
    (tmp_path / "manifests").mkdir()
    log = tmp_path / "app.log"
    log.touch()

    async def run() -> None:
        hints: asyncio.Queue[str] = asyncio.Queue()
        folders = Folders(asyncio.get_running_loop(), hints.put_nowait, lambda: None)
        try:
            folders.watch([str(tmp_path / "manifests")])
            inotify = folders._inotify
            assert inotify is not None
            for number in range(100):
                log.write_text(f"line {number}\n")
            assert inotify.read(timeout=0) == []
            (tmp_path / "manifests").rename(tmp_path / "old")
            await _heard(hints, tmp_path / "manifests")
        finally:
            folders.close()

    asyncio.run(run())
