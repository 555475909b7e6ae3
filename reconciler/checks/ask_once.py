"""Whether an instance is ready, for a look where no controller runs."""

from __future__ import annotations

from pathlib import Path

from reconciler.converge.sockets.privatesocket import open_private
from reconciler.model.spec.probe import ProbeRole
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.observed import Process
from reconciler.observed.probes.checks import check
from reconciler.state.marks import READY, STARTED, Marks


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
