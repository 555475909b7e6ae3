"""One boot of the machine: this worktree goes in, a command runs, its exit code comes out.

What the command writes leaves by a serial line as it is written. Nothing that happens inside is
kept: the disk's changes go to an unlinked temporary file.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from e2e.vm.image import SOURCE, Image

# As timeout(1): it ran too long, and it could not be run.
TIMED_OUT = 124
NOT_RUN = 125
_KERNEL = (
    "root=/dev/nvme0n1 rw rootwait mitigations=off panic=-1 "
    "console=ttyS0 systemd.show_status=1 TERM=dumb "
    "systemd.machine_id=7265636f6e2d766d7265636f6e2d766d"
)


@dataclass(frozen=True)
class Wish:
    """What to boot. ``run_as`` is one of guest.sh's cases; memory is in MiB."""

    command: Sequence[str]
    run_as: str = "root"
    memory: int = 1536
    parameters: str = ""
    timeout: float = 1800


def boot(image: Image, wish: Wish) -> int:
    """Boot, run the command, switch off. Returns the command's exit code, or one of the above."""
    with tempfile.TemporaryDirectory(prefix="recon-vm-") as directory:
        scratch = Path(directory)
        console, status = scratch / "console", scratch / "status"
        _bring(scratch / "source.tar", wish)
        machine = subprocess.Popen(_qemu(image, wish, scratch), stdin=subprocess.DEVNULL)
        try:
            machine.wait(wish.timeout)
        except subprocess.TimeoutExpired:
            return _complain(TIMED_OUT, f"not done after {wish.timeout:g} s", console)
        finally:
            machine.kill()
            machine.wait()
        reported = status.read_text().strip() if status.exists() else ""
        if not reported.isdigit():
            return _complain(NOT_RUN, "switched off without an exit code", console)
        return int(reported)


def _bring(path: Path, wish: Wish) -> None:
    """The worktree as it is, edits and new files included, and the command, as a disk."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=SOURCE,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    with tarfile.open(path, "w") as archive:
        for name in filter(None, listed):
            if (SOURCE / name).exists():
                archive.add(SOURCE / name, name, recursive=False)
        for name, text in ((".vm/command", shlex.join(wish.command)), (".vm/as", wish.run_as)):
            entry = tarfile.TarInfo(name)
            entry.size = len(data := f"{text}\n".encode())
            archive.addfile(entry, BytesIO(data))
    with path.open("ab") as disk:
        disk.truncate(-(-path.stat().st_size // 4096) * 4096)  # whole blocks


def _qemu(image: Image, wish: Wish, scratch: Path) -> list[str]:
    """One processor, and a good neighbour. Namespaces of one NVMe: their numbers are certain."""
    return [
        *("setpriv", "--pdeathsig=KILL"),  # it ends with us, however we end
        *("nice", "-n", "10", "qemu-system-x86_64", "-smp", "1", "-m", str(wish.memory)),
        *_accelerator(),
        *("-nodefaults", "-no-user-config", "-display", "none", "-nic", "none"),
        *("-kernel", str(image.kernel), "-append", f"{_KERNEL} {wish.parameters}"),
        *("-drive", f"file={image.disk},format=raw,if=none,id=root,snapshot=on"),
        *("-drive", f"file={scratch}/source.tar,format=raw,if=none,id=source,snapshot=on"),
        *("-device", "nvme,id=disks,serial=recon"),
        *("-device", "nvme-ns,bus=disks,drive=root,nsid=1"),
        *("-device", "nvme-ns,bus=disks,drive=source,nsid=2"),
        *("-serial", f"file:{scratch}/console"),
        *("-chardev", "stdio,id=out,signal=off", "-serial", "chardev:out"),
        *("-serial", f"file:{scratch}/status"),
    ]


def _accelerator() -> tuple[str, ...]:
    """KVM where the processor offers it.

    A /dev/kvm alone says little: that of a paravirtual host boots only kernels made for it.
    """
    flags = set(Path("/proc/cpuinfo").read_text().split())
    if flags & {"vmx", "svm"} and Path("/dev/kvm").exists():
        return ("-accel", "kvm", "-accel", "tcg", "-cpu", "max")
    return ("-accel", "tcg", "-cpu", "max")


def _complain(code: int, what: str, console: Path) -> int:
    tail = console.read_text(errors="replace").splitlines()[-30:] if console.exists() else []
    print("\n".join((*tail, f"the machine: {what}; above, its console")), file=sys.stderr)
    return code
