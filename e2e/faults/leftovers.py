"""What is left of processes that have ended: helpers of a killed controller, files of programs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from e2e.faults.zygote import Zygote
from e2e.harness import Recon, alive
from reconciler.converge.sockets.privatesocket import places as private_places
from reconciler.logs.write.holder_process import is_holder
from reconciler.model.host.cgroup import store_directory
from reconciler.observed.host.cgroups import find
from reconciler.state.paths import StatePaths, store_id
from reconciler.system import procfs
from tests.waiting import until


def helpers_are_gone(zygote: Zygote, programs: set[int], paths: StatePaths) -> None:
    """Until nothing runs of what a killed controller began, but programs and what holds their
    output: the fork server, workers, the notifier end by themselves."""

    def left() -> list[int]:
        found = (pid for pid in zygote.orphans() if pid not in programs)
        kept = [pid for pid in found if alive(pid) and not _is_program(pid)]
        return [pid for pid in kept if not is_holder(pid, store_id(paths))]

    until(lambda: not left(), what="what a killed controller began has ended")


def _is_program(pid: int) -> bool:
    """One that has not reported yet."""
    with suppress(OSError):
        return b"\0RECON_ID=" in b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
    return False


def files(recon: Recon, paths: StatePaths, served: Path) -> list[str]:
    """Files that only programs need that run: FIFOs and what waits in them, sockets, credentials,
    cgroups; and the process that holds output."""
    store = store_id(paths)
    folders = [
        *map(Path, recon.fifos),
        *map(Path, map(str, private_places(paths.root, store))),
        Path(store_directory(find().base, store)),
    ]
    found = [path for folder in folders for path in folder.glob("*") if not _is_of_cgroup(path)]
    found += [path for path in (served, paths.socket) if path.exists()]
    found += [Path(f"/proc/{pid}") for pid in procfs.pids() if is_holder(pid, store)]
    spool = paths.root / "spool"
    if spool.exists() and spool.stat().st_size:
        found.append(spool)
    return [str(path) for path in found]


def _is_of_cgroup(path: Path) -> bool:
    """A file of a cgroup's folder itself, which the kernel makes."""
    return path.name.startswith(("cgroup.", "cpu.", "memory.", "pids.", "io.")) and path.is_file()
