"""Puts limits in force on the processes of an instance: at a start, before the program's first
instruction (``process.stub``), and later in place.

Each field that could not be put in force is returned with a sentence on what would help. Children
inherit what their parent had when they were forked. So a change goes to every process of the
instance, and again to those that were forked meanwhile.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from reconciler.converge.cgroups.cgroup import Cgroups
from reconciler.model.spec.limits import Value, in_cgroup
from reconciler.model.state.observed import ProcessId, Tag
from reconciler.system.limits import OF_PROCESSES

Members = Callable[[], Iterable[ProcessId]]
"""Every process of an instance, as of this moment; the main one first."""

_ROUNDS = 5
"""Looks for processes that were forked meanwhile: one that forks faster has a limit for that."""
_RESTART = "`recon restart` gives it to new processes"


def apply(
    tag: Tag, members: Members, values: Mapping[str, Value], cgroups: Cgroups
) -> dict[str, str]:
    """Put these values in force on an instance; by field, why that was not possible."""
    grouped = {f: v for f, v in values.items() if in_cgroup(f, cgroups.facts.controllers)}
    single = {field: value for field, value in values.items() if field not in grouped}
    refused: dict[str, str] = {}
    for field, value in grouped.items():
        _try(refused, field, partial(cgroups.limit, tag, field, value), gone=())
    done: set[ProcessId] = set()
    for _ in range(_ROUNDS):
        fresh = [id for id in members() if id not in done]
        inside = {*cgroups.members(tag)} if grouped else set()
        for id in fresh:
            for field in [*grouped][:1] if id.pid not in inside else ():
                _try(refused, field, partial(cgroups.enter, tag, id.pid))
            reasons: dict[str, str] = {}
            for field, value in single.items():
                _try(reasons, field, partial(OF_PROCESSES[field].set, id.pid, value))
            if not done:  # what a worker of another user refuses is not a fault of the main process
                refused |= reasons
            done.add(id)
        if not fresh:
            break
    return refused


def _try(
    refused: dict[str, str],
    field: str,
    call: Callable[[], object],
    gone: tuple[type[OSError], ...] = (ProcessLookupError, FileNotFoundError),
) -> None:
    """``gone``: that the process has ended, and needs no limit any more."""
    try:
        call()
    except gone:
        pass
    except ValueError as error:
        refused[field] = str(error)
    except OSError as error:
        forbidden = error.errno in (errno.EPERM, errno.EACCES)
        reason = _forbidden(field) if forbidden else ""
        refused[field] = reason or f"{error.strerror} ({error.filename or 'the kernel says'})"


def _forbidden(field: str) -> str:
    if field not in OF_PROCESSES:
        return "recon may not write to its cgroup"
    limit = OF_PROCESSES[field]
    return f"{limit.refusal}; {_RESTART}" if limit.start_helps else limit.refusal
