"""The notifier: a process that sends messages and reports how it went. The controller starts it.

It speaks with the controller in lines of JSON over its standard input, a socket. It keeps nothing:
what is not sent is in the controller's journal, and comes again with the same id.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from reconciler.notify.attempt import attempt
from reconciler.notify.by_apprise import INSTALL
from reconciler.notify.delivery import Delivery
from reconciler.notify.outcome import Outcome
from reconciler.notify.target import Target

_PR_SET_PDEATHSIG = 1
LINE = 1 << 22
"""Bytes of a line: a list of targets, or a message."""


class Notifier:
    """What is declared, and what is being sent. ``write`` sends a line to the controller."""

    def __init__(self, write: Callable[[dict[str, Any]], None]) -> None:
        self._write = write
        self._targets: dict[str, Target] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """By the id of the message."""

    def take(self, line: dict[str, Any]) -> None:
        """Do what the controller wants: one message a target at a time, and any number of tests."""
        match line["do"]:
            case "declare":
                found = map(Target.from_document, line["targets"])
                self._targets = {target.name: target for target in found}
                self._write({"id": "", "what": "lacking", "error": lacking(self._targets)})
                for name, target in self._targets.items():
                    if name in self._deliveries:
                        self._deliveries[name].declare(target)
            case "send":
                self._begin(line["message"], is_test=False)
            case "test":
                self._begin(line["message"], is_test=True)
            case "forget":
                task = self._tasks.pop(line["id"], None)
                if task is not None:
                    task.cancel()

    def _begin(self, message: dict[str, Any], *, is_test: bool) -> None:
        name, id = message["target"], message["id"]
        target = self._targets.get(name)
        if target is None or id in self._tasks:
            return
        if is_test:
            work = self._test(target, message)
        else:
            delivery = self._deliveries.setdefault(name, Delivery(target, once, self._write))
            delivery.declare(target)
            work = delivery.deliver(message)
        task = self._tasks[id] = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._tasks.pop(id, None))

    async def _test(self, target: Target, message: dict[str, Any]) -> None:
        outcome = await once(target, message)
        self._write({"id": message["id"], "what": "tested", "error": outcome.error})


def lacking(targets: Mapping[str, Target]) -> str:
    """What has to be installed for these targets, a sentence; empty where nothing has."""
    needs = [name for name, one in targets.items() if one.url or one.url_file]
    if not needs or importlib.util.find_spec("apprise") is not None:
        return ""
    return f"Apprise is not installed, which {', '.join(needs)} needs; {INSTALL}"


async def once(target: Target, message: dict[str, Any]) -> Outcome:
    """One try, in a process of its own."""
    return await attempt(target, partial(_deliver, target, message))


def _deliver(target: Target, message: dict[str, Any]) -> Outcome:
    from reconciler.notify.deliver import deliver  # noqa: PLC0415  loaded by each try, and ends with it

    return deliver(target, message)


async def serve(link: socket.socket) -> None:
    """Until the controller closes the socket."""
    reader, writer = await asyncio.open_connection(sock=link, limit=LINE)

    def write(line: dict[str, Any]) -> None:
        writer.write(json.dumps(line).encode() + b"\n")

    notifier = Notifier(write)
    while line := await reader.readline():
        notifier.take(json.loads(line))


def main() -> None:
    """Serve until the controller has gone."""
    parent = int(sys.argv[1])
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before that was set
        return
    try:
        with open("/proc/self/oom_score_adj", "wb") as score:
            score.write(b"0")  # the controller's own may be -900: this process can be replaced
    except OSError:
        pass
    link = socket.socket(fileno=os.dup(0))
    asyncio.run(serve(link))
    os._exit(0)


if __name__ == "__main__":
    main()
