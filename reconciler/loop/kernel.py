"""What the loop asks of Linux: functions that are handed to it.

A controller has the real ones. The tests of the loop hand in those of a simulated host
(``tests/loop/simulated``), and all else is the same.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from reconciler.converge.cgroups import limits
from reconciler.converge.process.execcheck import exec_check
from reconciler.converge.process.spawn import Spawned, spawn
from reconciler.logs.write.holder import Holder, holder_of
from reconciler.model.host.facts import HostFacts
from reconciler.model.spec.limits import Value
from reconciler.model.spec.probe import Probe
from reconciler.observed.host import limits as observed_limits
from reconciler.observed.host.facts import gather
from reconciler.observed.probes import portowner
from reconciler.observed.probes.checks import Result, check
from reconciler.observed.processes.host import Host


@dataclass(frozen=True, slots=True)
class Kernel:
    """The functions by which processes are found, started, asked and limited."""

    facts: Callable[[], HostFacts] = gather
    processes: Callable[..., Host] = Host
    spawn: Callable[..., Spawned] = spawn
    check: Callable[[Probe, int, str | None], Awaitable[Result]] = check
    exec_check: Callable[..., Awaitable[tuple[bool, str]]] = exec_check
    port_owner: Callable[[portowner.Question], portowner.Found] = portowner.find
    set_limits: Callable[..., dict[str, str]] = limits.apply
    read_limits: Callable[..., dict[str, Value]] = observed_limits.read
    nonce: Callable[[], str] = lambda: secrets.token_hex(6)
    """The name of one process, in its tag and its files."""
    holder: Callable[[str, asyncio.AbstractEventLoop], Holder | None] = holder_of
    """What keeps output while no controller runs; None where nothing would outlive it."""
