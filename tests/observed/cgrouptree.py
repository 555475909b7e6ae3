"""A copy of the layout of cgroup v2 in a directory: for what this machine's own does not have."""

from __future__ import annotations

import os
from pathlib import Path

CONTROLLERS = "cpuset cpu io memory hugetlb pids"


class CgroupTree:
    """A mount of cgroup2 and the files of /proc that tell of it, below one directory."""

    def __init__(self, home: Path, *, own: str = "/", options: str = "rw", root: str = "/") -> None:
        self.top = home / "sys fs cgroup"
        self.proc = home / "proc"
        (self.proc / "self").mkdir(parents=True)
        point = str(self.top).replace(" ", "\\040")
        self.mounts(f"30 24 0:26 {root} {point} {options},nosuid shared:9 - cgroup2 cgroup2 rw\n")
        (self.proc / "self/cgroup").write_text(f"4:memory:/old\n0::{own}\n")
        self.v1()
        self.top.mkdir()
        self.cgroup("")
        (self.top / "cgroup.type").unlink()  # the root of the hierarchy has none

    def mounts(self, text: str) -> None:
        (self.proc / "self/mountinfo").write_text(f"22 1 0:20 / /proc rw - proc proc rw\n{text}")

    def v1(self, *names: str, disabled: str = "") -> None:
        """Which controllers are bound to cgroup v1."""
        rows = [
            f"{name}\t{int(name in names)}\t1\t{int(name != disabled)}\n"
            for name in CONTROLLERS.split()
        ]
        text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n" + "".join(rows)
        (self.proc / "cgroups").write_text(text)

    def cgroup(self, path: str, controllers: str = CONTROLLERS) -> Path:
        """A cgroup with the files that the kernel puts there."""
        folder = self.top / path.strip("/")
        if not folder.parent.exists():
            self.cgroup(os.path.dirname(path.strip("/")), controllers)
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.type").write_text("domain\n")
        (folder / "cgroup.controllers").write_text(f"{controllers}\n")
        for name in ("procs", "subtree_control", "events", "kill", "freeze"):
            (folder / f"cgroup.{name}").write_text("")
        return folder
