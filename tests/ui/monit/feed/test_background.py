from __future__ import annotations

import asyncio
import threading

import pytest

from reconciler.api.errors import ApiError
from reconciler.ui.monit.feed.background import answer
from tests.waiting import until


def test_the_answer_comes_from_a_thread_that_no_exit_waits_for() -> None:
    async def ask() -> threading.Thread:
        return await answer(threading.current_thread, "question")

    thread = asyncio.run(ask())
    assert thread is not threading.main_thread()
    assert thread.daemon


def test_an_error_is_raised_where_the_question_was_put() -> None:
    def refuse() -> None:
        raise ApiError("no", 403)

    with pytest.raises(ApiError, match="no"):
        asyncio.run(answer(refuse, "question"))


def test_an_answer_after_the_end_harms_nothing() -> None:
    gate, ended = threading.Event(), threading.Event()

    def late() -> None:
        gate.wait(60)
        ended.set()

    async def ask() -> None:
        task = asyncio.create_task(answer(late, "late"))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(ask())
    gate.set()
    until(ended.is_set)
    until(lambda: not any(thread.name == "late" for thread in threading.enumerate()))
