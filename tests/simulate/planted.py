"""Faults that are planted in recon, to see that the simulation finds them.

Each is a change of text in recon's source, made while Python imports it: nothing on disk changes. A
text that is no longer there fails ``test_planted.py``, so the table stays true as the code moves.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
VARIABLE = "RECON_PLANTED"
"""Names the fault of a process."""


class Planted(NamedTuple):
    """One change."""

    what: str
    file: str
    """Below ``reconciler/``."""
    old: str
    new: str
    also: tuple[tuple[str, str, str], ...] = ()
    """Further files, each with what is there and what is to be."""

    @property
    def changes(self) -> dict[str, tuple[str, str]]:
        """By file, what is there and what is to be."""
        more = {file: (old, new) for file, old, new in self.also}
        return {self.file: (self.old, self.new), **more}


_RECONCILE, _RUNNING = "loop/reconcile.py", "loop/processes/running.py"
_AHEAD = "logs/write/write_ahead.py"
PLANTED: dict[str, Planted] = {
    "run-unrecorded": Planted(
        "a run of a Job is begun before the journal has it",
        _RECONCILE,
        "if not self._history.flush() and built_by(app.name) is None:",
        "if False:",
    ),
    "end-unrecorded": Planted(
        "an end is retried without a look at whether it was accounted for",
        _RUNNING,
        "self._recorded.pop(process.id, None)",
        "del self._recorded[process.id]",
    ),
    "no-retry": Planted(
        "a start that the kernel refused is not tried again",
        _RECONCILE,
        "self._queue.add_at(name, trouble.until)",
        "pass",
    ),
    "edge-triggered": Planted(
        "an app is looked at when something happens to it, and not again after its actions",
        _RECONCILE,
        "elif made.look_again_at is not None:",
        "elif False:",
    ),
    "lost-wake-up": Planted(
        "nothing wakes an app whose process has ended",
        "loop/controller.py",
        "        self._ends.account(process, exit)\n        self._changed(process.tag.app)",
        "        self._ends.account(process, exit)",
    ),
    "one-look": Planted(
        "a deletion takes one look",
        "diff/prune.py",
        "CLEAN_SCANS = 2",
        "CLEAN_SCANS = 0",
    ),
    "incomplete-look": Planted(
        "a folder that cannot be listed is taken for an empty one",
        "desired/directory/walk.py",
        "        self.complete = False\n",
        "",
    ),
    "emptied": Planted(
        "however many manifests are gone at once, all their apps are stopped",
        "diff/prune.py",
        "    if gone > limit:",
        "    if False:",
    ),
    "surge": Planted(
        "one more at once than the surge allows",
        "diff/rollout/rolling.py",
        "return replicas.wanted + surge - len(replicas.current) - surplus",
        "return replicas.wanted + surge + 1 - len(replicas.current) - surplus",
    ),
    "floor": Planted(
        "one less serves than has to",
        "diff/rollout/rolling.py",
        "floor = replicas.wanted - unavailable",
        "floor = replicas.wanted - unavailable - 1",
    ),
    "recreate": Planted(
        "Recreate starts the new before the old have gone",
        "diff/rollout/recreate.py",
        "return () if replicas.old or replicas.leaving_old else replicas.eligible",
        "return replicas.eligible",
    ),
    "two-of-one": Planted(
        "a number whose process is on its way out is free already",
        "diff/core/replicas.py",
        "if number in leaving:",
        "if False:",
    ),
    "backoff-unrecorded": Planted(
        "crashes are remembered by the controller that saw them, and by no other",
        "loop/processes/ends.py",
        "        self._history.remember(name, later)\n        ended = holds(",
        "        self._history._memories[name] = later\n        ended = holds(",
    ),
    "backoff-flat": Planted(
        "a ladder with one rung",
        "diff/core/backoff.py",
        "failures += before.failures",
        "failures += 1",
    ),
    "stop-unrecorded": Planted(
        "a stop is not written down",
        _RUNNING,
        "        self._journal.stopping(known.id, at)\n",
        "",
    ),
    "no-sigkill": Planted(
        "a stop that was taken over never comes to SIGKILL",
        "converge/process/stop.py",
        "self._signal_main(self._begin(process, how or Stop(), began, grace))",
        "self._signal(process.tag.nonce, signals.Signals[(how or Stop()).signal])",
    ),
    "spool-first": Planted(
        "the spool is emptied before the log is written",
        _AHEAD,
        "_append(log, text, _written(header, log))",
        "self.commit() or _append(log, text, _written(header, log))",
    ),
    "carry-lost": Planted(
        "the start of a line is not kept for the next controller",
        _AHEAD,
        "            if carry or header.carry or header.midline:\n",
        "            if False:\n",
    ),
    "written-twice": Planted(
        "what a log has of a chunk is not looked at when the chunk is finished",
        _AHEAD,
        "return header.done + info.st_size - header.length",
        "return header.done",
    ),
    "not-attached": Planted(
        "a process is adopted, and its output is not",
        _RUNNING,
        "        self.capture.attach(tag, spec.logs, process.id.pid)\n        record",
        "        self.capture.configure(tag.app, spec.logs)\n        record",
    ),
    "not-drained": Planted(
        "what a process wrote last is not read",
        "logs/write/capture.py",
        "self._drain(tap)\n            if tap.stuck",
        "if tap.stuck",
    ),
    "secret-told": Planted(
        "an event quotes the environment of a program",
        _RECONCILE,
        'message = f"started pid {process.id.pid} ({action.reason})"',
        "message = str(getattr(self._declared.apps().get(name), 'secrets', ''))",
        (("state/history.py", "message = self._redact(event.message)", "message = event.message"),),
    ),
    "stale-standing": Planted(
        "who waits for an app does not hear that it is ready",
        _RECONCILE,
        "            self._tell_dependents(name, made.standing)\n",
        "",
    ),
    "ready-by-birth": Planted(
        "an adopted process that no journal knows is asked nothing",
        "loop/controller.py",
        "self._relist(full=True, knows=lambda process: self._specs.own(process) is not None)",
        "self._relist(full=True)",
    ),
    "unmounted": Planted(
        "what ends while its manifest is not to be seen stays down",
        _RECONCILE,
        "if self.leaving or not kept:",
        "if True:",
    ),
    "unreached": Planted(
        "an output that cannot be opened for the moment is given up",
        "logs/write/capture.py",
        "if trouble.errno in _PASSES:",
        "if False:",
    ),
    "busy": Planted(
        "what is due later is looked at again at once",
        _RECONCILE,
        "self._queue.add_at(name, made.look_again_at)",
        "self._queue.add(name)",
    ),
}


def install(name: str) -> None:
    """Plant it in what this process imports from now on."""
    sys.meta_path.insert(0, _Finder(PLANTED[name]))


def changed(file: str, old: str, new: str) -> str:
    """The source with the fault. ValueError where the text is not there once."""
    text = (ROOT / "reconciler" / file).read_text("utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{file} has not once: {old}")
    return text.replace(old, new)


class _Finder(MetaPathFinder):
    def __init__(self, planted: Planted) -> None:
        self._files = {_module(file): file for file in planted.changes}
        self._planted = planted

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        file = self._files.get(name)
        if file is None:
            return None
        source = changed(file, *self._planted.changes[file])
        place = str(ROOT / "reconciler" / file)
        return importlib.util.spec_from_loader(name, _Loader(name, place, source))


def _module(file: str) -> str:
    return f"reconciler/{file}".removesuffix(".py").replace("/", ".")


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles the changed source, whatever has been compiled before."""

    def __init__(self, name: str, place: str, source: str) -> None:
        super().__init__(name, place)
        self._source = source

    def get_code(self, fullname: str) -> CodeType | None:
        return compile(self._source, self.path, "exec", dont_inherit=True)


def of_environment() -> None:
    """Plant what the environment names."""
    name = os.environ.get(VARIABLE)
    if name:
        install(name)
