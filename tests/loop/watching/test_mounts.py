"""What the kernel tells of mounts is read as it is written there."""

from __future__ import annotations

import asyncio
import os

from reconciler.loop.watching.mounts import Mounts, _path


def test_awkward_names_of_mount_points_are_understood() -> None:
    assert _path(rb"/srv/a\040b\011c\134d\012") == "/srv/a b\tc\\d\n"
    assert os.fsencode(_path(b"/srv/\xff")) == b"/srv/\xff"


def test_while_nothing_is_mounted_there_is_nothing_to_hear() -> None:
    """mountinfo itself is always readable."""

    async def run() -> None:
        mounts = Mounts(asyncio.get_running_loop(), lambda points: None)
        try:
            assert ("/proc" in {point for _, point in mounts._points}) is os.path.ismount("/proc")
            assert [fd for fd, _ in mounts._epoll.poll(0)] == []
        finally:
            mounts.close()

    asyncio.run(run())
