"""Mounts are heard of when something is mounted."""

from __future__ import annotations

import asyncio
import os

from reconciler.loop.watching.mounts import Mounts


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
