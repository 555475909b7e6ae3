"""Many processes behind one reader: each end is told, also of one that another's call ended."""

from __future__ import annotations

import asyncio
import os
import subprocess
from functools import partial

from reconciler.system.poller import Poller

COUNT = 50


def test_each_end_is_told_until_it_is_forgotten() -> None:
    async def scenario() -> None:
        poller = Poller(asyncio.get_running_loop())
        children = [subprocess.Popen(["sleep", "1000"]) for _ in range(COUNT)]
        told: list[int] = []
        all_told = asyncio.Event()

        def ended(pidfd: int) -> None:
            told.append(pidfd)
            poller.forget(pidfd)
            os.close(pidfd)
            if len(told) == COUNT:
                all_told.set()

        try:
            for child in children:
                pidfd = os.pidfd_open(child.pid)
                poller.watch(pidfd, partial(ended, pidfd))
            await asyncio.sleep(0)
            assert told == []
            for child in children:
                child.kill()
            await asyncio.wait_for(all_told.wait(), 30)
        finally:
            for child in children:
                child.kill()
                child.wait()
            poller.close()
        assert len(set(told)) == COUNT

    asyncio.run(scenario())


def test_who_is_forgotten_in_anothers_call_is_not_told_of() -> None:
    async def scenario() -> None:
        poller = Poller(asyncio.get_running_loop())
        pair = [subprocess.Popen(["true"]) for _ in range(2)]
        pidfds = [os.pidfd_open(child.pid) for child in pair]
        for child in pair:
            child.wait()
        told: list[int] = []
        done = asyncio.Event()

        def ended(pidfd: int) -> None:
            told.append(pidfd)
            for one in pidfds:
                poller.forget(one)
            done.set()

        for pidfd in pidfds:
            poller.watch(pidfd, partial(ended, pidfd))
        await asyncio.wait_for(done.wait(), 30)
        await asyncio.sleep(0)
        assert len(told) == 1
        poller.close()
        for pidfd in pidfds:
            os.close(pidfd)

    asyncio.run(scenario())


def test_a_call_that_raises_keeps_no_other_from_being_made() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        reported: list[object] = []
        loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
        poller = Poller(loop)
        pair = [subprocess.Popen(["true"]) for _ in range(2)]
        pidfds = [os.pidfd_open(child.pid) for child in pair]
        for child in pair:
            child.wait()
        told: set[int] = set()
        both = asyncio.Event()
        trouble = OSError("too many open files")

        def ended(pidfd: int) -> None:
            told.add(pidfd)
            if len(told) == 2:
                both.set()
            raise trouble

        for pidfd in pidfds:
            poller.watch(pidfd, partial(ended, pidfd))
        await asyncio.wait_for(both.wait(), 30)
        poller.close()
        assert reported and set(reported) == {trouble}
        for pidfd in pidfds:
            os.close(pidfd)

    asyncio.run(scenario())
