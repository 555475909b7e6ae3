"""`recon logs --target`: the output of an app's instances, as the engine keeps it."""

from __future__ import annotations

import heapq
import sys
import time
from collections.abc import Collection, Iterator
from queue import SimpleQueue
from threading import Thread

from reconciler.cli.framework.errors import OK, CliError
from reconciler.cli.framework.options import Where
from reconciler.cli.verbs.elsewhere.engine import chosen, declared, engine
from reconciler.render.terminal import harmless, is_terminal
from reconciler.targets.engine import Engine, EngineError, Line


def logs(
    place: Where,
    target: str,
    apps: Collection[str] | None,
    *,
    lines: int | None,
    follow: bool,
    timestamps: bool,
) -> int:
    """Print the last lines, merged by time, then what comes."""
    desired = declared(place, with_secrets=False)
    names = sorted(chosen(desired, apps) or desired.apps)
    shown = harmless if is_terminal() else str
    with engine(target) as there:
        found = _following(there, names, lines) if follow else _past(there, names, lines)
        for line in found:
            when = f" {_time(line.time)}" if timestamps else ""
            mark = "!" if line.is_error else "|"
            print(f"{line.instance} {mark}{when} {shown(line.text)}", flush=follow)
    return OK


def _past(there: Engine, names: list[str], lines: int | None) -> list[Line]:
    of_apps = [[*_of(there, name, lines, len(names))] for name in names]
    merged = [*heapq.merge(*of_apps, key=lambda line: line.time or 0.0)]
    return merged if lines is None else merged[max(0, len(merged) - lines) :]


def _of(there: Engine, name: str, lines: int | None, apps: int) -> Iterator[Line]:
    """An app without instances has no lines; it is an error only where it was meant alone."""
    try:
        yield from there.logs(name, lines=lines, follow=False)
    except EngineError as error:
        if apps == 1:
            raise
        print(f"note: {error}", file=sys.stderr)


def _following(there: Engine, names: list[str], lines: int | None) -> Iterator[Line]:
    """Of several apps at once: each is read by a thread of its own, until its end or Ctrl-C."""
    queue: SimpleQueue[Line | EngineError | None] = SimpleQueue()

    def read(name: str) -> None:
        try:
            for line in there.logs(name, lines=lines, follow=True):
                queue.put(line)
            queue.put(None)
        except EngineError as error:
            queue.put(error)

    for name in names:
        Thread(target=read, args=(name,), daemon=True).start()
    left = len(names)
    while left:
        one = queue.get()
        if isinstance(one, Line):
            yield one
            continue
        left -= 1
        if isinstance(one, EngineError):
            if len(names) == 1:
                raise CliError(str(one))
            print(f"note: {one}", file=sys.stderr)


def _time(when: float | None) -> str:
    if when is None:
        return "-" * 19
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
