"""What happens below a folder is heard, whatever took which name."""

from __future__ import annotations

import asyncio
from pathlib import Path

from reconciler.desired.trees import Trees
from reconciler.loop.folders import Folders
from reconciler.model.watch import Watch


async def _heard(hints: asyncio.Queue[str], path: Path) -> None:
    """Until something was heard of ``path``; TimeoutError if never."""
    async with asyncio.timeout(10):
        while await hints.get() != str(path):
            pass


def test_a_folder_that_took_the_name_of_another_is_heard(tmp_path: Path) -> None:
    async def swap() -> None:
        (tmp_path / "dist/sub").mkdir(parents=True)
        (tmp_path / "next/sub").mkdir(parents=True)
        trees = Trees(Watch(paths=("dist",)), str(tmp_path))
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
    trees = Trees(watch, str(tmp_path))
    trees.look()
    for name in ("src/a/b", "src/a/skip", "dist/js/c", "other"):
        (tmp_path / name).mkdir(parents=True)
    below = {str(tmp_path / name) for name in ("src/a", "src/a/b")}
    assert trees.discover(str(tmp_path / "src/a")) == below
    made = {str(tmp_path / name) for name in ("dist", "dist/js", "dist/js/c")}
    assert trees.discover(str(tmp_path / "dist")) == made
    assert trees.discover(str(tmp_path / "other")) == set()
    assert below | made <= trees.folders()
