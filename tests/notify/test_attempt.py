"""Whatever a receiver does, a try ends in its time, costs little, and says why without secrets."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from reconciler.notify.attempt import attempt
from reconciler.notify.deliver import deliver
from reconciler.notify.outcome import Outcome
from reconciler.notify.target import Target
from tests.notify.conftest import Web, message
from tests.waiting import until


def tried(target: Target) -> Outcome:
    return asyncio.run(attempt(target, partial(deliver, target, message())))


def hook(web: Web, timeout: float = 30) -> Target:
    return Target("ops", webhook=web.address, timeout=timeout)


def test_a_webhook_gets_the_message_as_json_with_its_id(web: Web) -> None:
    assert tried(hook(web)).ok
    assert web.requests[0]["subject"] == message()["subject"]
    assert web.headers[0]["idempotency-key"] == message()["id"]
    assert web.headers[0]["content-type"].startswith("application/json")
    assert web.headers[0]["user-agent"].startswith("recon/")


def test_a_login_in_the_address_is_sent_as_a_header(web: Web) -> None:
    address = f"http://me:pa%2Fss@127.0.0.1:{web.port}/hook"
    assert tried(Target("ops", webhook=address)).ok
    assert web.headers[0]["authorization"] == "Basic bWU6cGEvc3M="


@pytest.mark.parametrize("answer", ["silent", "drip"])
def test_a_server_that_never_answers_is_left(web: Web, answer: str) -> None:
    web.answers = [answer]
    began = time.monotonic()
    outcome = tried(hook(web, timeout=1.5))
    assert not outcome.ok and ("no end within" in outcome.error or "no answer" in outcome.error)
    assert time.monotonic() - began < 15


def test_an_answer_without_end_costs_no_memory(web: Web) -> None:
    web.answers = ["huge"]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert tried(hook(web)).ok  # what follows the first line is not read
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < before + 200_000


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("500", "the server answered 500 Internal Server Error"),
        ("404", "the server answered 404 Not Found"),
        ("no-http", "no answer"),
    ],
)
def test_a_refusal_is_a_sentence(web: Web, answer: str, error: str) -> None:
    web.answers = [answer]
    outcome = tried(hook(web))
    assert outcome.error.startswith(error)
    assert "s3cr3t" not in outcome.error


def test_a_server_may_ask_to_be_left_alone(web: Web) -> None:
    web.answers = ["429 Retry-After=120"]
    assert tried(hook(web)).retry_after == 120
    web.answers = ["503 Retry-After=99999999999"]
    assert tried(hook(web)).retry_after == 3600
    web.answers = ["503 Retry-After=soon"]
    assert tried(hook(web)).retry_after == 0


@pytest.mark.parametrize(
    "place", ["file:///etc/passwd", "http://127.0.0.1:{port}/elsewhere", "ftp://127.0.0.1/x"]
)
@pytest.mark.parametrize("kind", ["webhook", "url"])
def test_a_redirect_leads_nowhere(web: Web, place: str, kind: str) -> None:
    web.answers = [f"302 Location={place.format(port=web.port)}"]
    target = hook(web)
    if kind == "url":
        target = Target("ops", url=f"json://127.0.0.1:{web.port}/hook")
    assert not tried(target).ok
    assert web.elsewhere == []


def test_a_place_without_a_server_is_a_sentence(closed_port: int) -> None:
    address = f"http://127.0.0.1:{closed_port}/s3cr3t-token"
    outcome = tried(Target("ops", webhook=address))
    assert outcome.error == "no connection: Connection refused"


def test_a_name_that_is_not_known_is_a_sentence() -> None:
    outcome = tried(Target("ops", webhook="https://host.invalid/s3cr3t-token", timeout=60))
    assert outcome.error and "[Errno" not in outcome.error and "s3cr3t" not in outcome.error


def test_a_server_without_a_certificate_is_refused(web: Web) -> None:
    outcome = tried(Target("ops", webhook=f"https://127.0.0.1:{web.port}/x", timeout=10))
    assert "no connection" in outcome.error or "SSL" in outcome.error


def test_a_resolver_that_hangs_holds_nothing_up() -> None:
    """As one that does not answer: it cannot be interrupted, only killed."""

    def hangs() -> Outcome:
        import ctypes

        ctypes.CDLL(None).sleep(600)
        return Outcome()

    target = Target("ops", webhook="http://host.invalid/", timeout=0.5)

    async def both() -> Outcome:
        hanging = asyncio.create_task(attempt(target, hangs))
        other = Target("mail", command=("true",))
        assert (await attempt(other, partial(deliver, other, message()))).ok
        assert not hanging.done()
        return await hanging

    assert asyncio.run(both()).error == "no end within 0.5 s; the try was ended"


def test_what_takes_all_memory_ends_only_its_own_try() -> None:
    def greedy() -> Outcome:
        held = []
        while True:
            held.append(bytearray(1 << 26))

    target = Target("ops", webhook="http://host.invalid/")
    assert "too large" in asyncio.run(attempt(target, greedy)).error


def test_a_try_that_is_killed_is_a_failure() -> None:
    def dies() -> Outcome:
        os.kill(os.getpid(), 9)
        return Outcome()

    target = Target("ops", webhook="http://host.invalid/")
    assert "ended without a word" in asyncio.run(attempt(target, dies)).error


def test_no_descriptor_and_no_process_is_left_behind(web: Web) -> None:
    async def some() -> None:
        for _ in range(5):
            await attempt(hook(web), partial(deliver, hook(web), message()))

    before, children = len(os.listdir("/proc/self/fd")), _children()
    asyncio.run(some())
    # The server, a thread of this process, may close its end a moment later.
    until(lambda: len(os.listdir("/proc/self/fd")) == before, what="all descriptors are closed")
    assert _children() == children


def _children() -> set[int]:
    """The children of this process, zombies too."""
    return {child.pid for child in psutil.Process().children()}


def test_a_command_that_never_ends_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep 600 & echo $! > {pids}; sleep 600"
    outcome = tried(Target("ops", command=("sh", "-c", script), timeout=2))
    assert "no end within 2 s" in outcome.error
    child = int(pids.read_text())
    until(lambda: not os.path.exists(f"/proc/{child}"), what="the child of the command ends")
