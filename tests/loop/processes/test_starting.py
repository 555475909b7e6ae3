"""A start and an end may be heard of in any order, and both count."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from reconciler.loop.processes.starting import Starting
from reconciler.model.state.observed import Process, ProcessId, Tag
from reconciler.system.exec_errors import SpawnError

PROCESS = Process(Tag("s", "web", 0, "h.-", "n1"), ProcessId(7, 1), 0.0, starting=True)


class _Report:
    """Of a start whose channel says ``ready`` when it is looked at."""

    def __init__(self, ready: bool, failure: SpawnError | None) -> None:
        self.ready, self.failure = ready, failure

    def fileno(self) -> int:
        return 99

    def look(self) -> bool:
        return self.ready

    def close(self) -> None:
        pass


class _Host:
    def follow(self, fd: int, call: Any) -> None:
        self.call = call

    def unfollow(self, fd: int) -> None:
        pass


@pytest.mark.parametrize("heard_first", ["the start", "the end"])
@pytest.mark.parametrize("failure", [None, SpawnError("no such program", transient=False)])
def test_an_end_is_accounted_for_whatever_was_heard_first(
    heard_first: str, failure: SpawnError | None
) -> None:
    async def run() -> tuple[list[str], SpawnError | None]:
        begun: list[str] = []
        host: Any = _Host()
        report: Any = _Report(True, failure)
        starting = Starting(asyncio.get_running_loop(), host, lambda app: None)
        starting.follow(PROCESS, report, lambda: begun.append("web"))
        if heard_first == "the start":
            host.call()
        ended = starting.ended("n1")
        assert "n1" not in starting and starting.ended("n1") is None
        return begun, ended

    begun, ended = asyncio.run(run())
    assert begun == ([] if failure else ["web"]), "it ran, however briefly"
    assert ended is failure
