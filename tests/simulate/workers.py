"""In the place of ``Workers``: each task is done at once, in the process of the test."""

from __future__ import annotations

import asyncio
import importlib
import pickle
from collections import defaultdict
from typing import Any

from reconciler.system.work.session import Session, Shared
from reconciler.system.work.worker import TaskFault


class WorkersAtOnce:
    """What is kept for an owner is kept until ``forget``, as in a worker process."""

    pids: tuple[int, ...] = ()

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int = 1) -> None:
        self._loop = loop
        self._session = Session()
        self._memos: dict[str, dict[str, Any]] = defaultdict(dict)

    def call(
        self,
        task: str,
        argument: object,
        *,
        owner: str,
        seconds: float,
        keeps: bool = False,
        shared: Shared | None = None,
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        if shared is not None:
            self._session.shared[shared.name] = shared.value
        self._session.memo = self._memos[owner] if keeps else {}
        module, _, name = task.partition(":")
        try:
            result = getattr(importlib.import_module(module), name)(argument, self._session)
        except Exception as error:
            future.set_exception(TaskFault(f"{type(error).__name__}: {error}"))
        else:
            future.set_result(pickle.loads(pickle.dumps(result)))
        return future

    def forget(self, owner: str) -> None:
        self._memos.pop(owner, None)

    def close(self) -> None:
        pass
