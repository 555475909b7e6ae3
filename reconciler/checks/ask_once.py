"""Whether an instance is ready, for a look where no controller runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from reconciler.converge.sockets.privatesocket import open_private
from reconciler.model.spec.probe import ProbeRole
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.observed import Process
from reconciler.observed.probes.checks import check
from reconciler.state.marks import READY, STARTED, Marks

# Probes under way at a time: each takes a descriptor, of which a shell gives 1,024.
_PROBES = 128


def ask_all(state_dir: Path, instances: Sequence[tuple[ProgramSpec, Process]]) -> dict[str, bool]:
    """Whether each is ready, by nonce: all are asked at the same time."""
    return asyncio.run(_ask_all(state_dir, instances))


async def _ask_all(
    state_dir: Path, instances: Sequence[tuple[ProgramSpec, Process]]
) -> dict[str, bool]:
    turn = asyncio.Semaphore(_PROBES)

    async def ask(spec: ProgramSpec, process: Process) -> bool:
        async with turn:
            return await ask_once(state_dir, spec, process)

    found = await asyncio.gather(*(ask(*instance) for instance in instances))
    return {one.tag.nonce: ready for (_, one), ready in zip(instances, found, strict=True)}


async def ask_once(state_dir: Path, spec: ProgramSpec, process: Process) -> bool:
    """Asked now where that can be; else as the last controller noted it."""
    marks, nonce = Marks(state_dir), process.tag.nonce
    if ProbeRole.STARTUP in spec.probes and marks.get(nonce, STARTED) is None:
        return False
    probe = spec.probes.get(ProbeRole.READINESS)
    if probe is None:
        return True
    if probe.kind.target is None:
        return marks.get(nonce, READY) is not None
    shared = spec.probed_socket(probe)
    name = shared.name if shared else ""
    with open_private(state_dir, nonce, name, process.tag.store) as private:
        return (await check(probe, process.tag.instance, private)).ok
