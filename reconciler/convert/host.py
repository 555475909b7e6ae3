"""What an import has to know of the host: cores, programs, addresses, the environment."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Host:
    """Facts. Tests give their own."""

    cores: int
    any_address: str
    """Where a program listens that names no address: ``::`` where there is IPv6."""
    environ: Mapping[str, str] = field(repr=False)
    manifests: str = ""
    """Absolute path of the directory that is written to."""

    def find(self, program: str) -> str | None:
        """The program's path, as a shell would find it."""
        return shutil.which(program, path=self.environ.get("PATH"))


def this_host(manifests: str) -> Host:
    cores = len(os.sched_getaffinity(0))
    any_address = "::" if Path("/proc/net/if_inet6").exists() else "0.0.0.0"
    return Host(cores, any_address, dict(os.environ), manifests)
