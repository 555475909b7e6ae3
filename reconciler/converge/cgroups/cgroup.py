"""The cgroup of an instance: made, filled, limited, killed as a whole, and removed.

One directory an instance (``model.host.cgroup`` names it). Guarantees:

- what is in force is read back by ``observed.host.limits``; a file that cannot be written raises
  OSError, and nothing is taken for done;
- controllers are enabled only when a limit first asks for one, and from the top downwards;
- where the kernel wants no processes beside enabled controllers, those that are there (this
  controller itself, as a rule) move to a leaf of their own, ``recon/controller``;
- ``kill`` ends everything that the instance ever forked, at once where there is ``cgroup.kill``.

Swap is forbidden to an instance with ``memoryHard``: else one that is over its limit would not
be ended but slowed down without bound, and the host's disk with it. ``memory.high`` is left
alone for the same reason; the soft limit is ``limits.memory``. The kernel is told to end an
instance as a whole (memory.oom.group), as Kubernetes does: half a program is an untested
state.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal

from reconciler.model.host.cgroup import CONTROLLER, HOME, directory_of, store_directory
from reconciler.model.host.facts import CgroupFacts
from reconciler.model.spec.limits import CONTROLLERS, Value
from reconciler.model.state.observed import Tag
from reconciler.system import procfs
from reconciler.system.limits import OF_CGROUPS


class Cgroups:
    """The cgroups of one store."""

    def __init__(self, facts: CgroupFacts, store: str) -> None:
        self.facts = facts
        self._store = store
        self._enabled: set[str] = set()

    @property
    def possible(self) -> bool:
        """There is a place for them."""
        return bool(self.facts.base)

    def directory(self, tag: Tag) -> str:
        return directory_of(self.facts.base, tag)

    def enter(self, tag: Tag, pid: int) -> None:
        """Move a process into its instance's cgroup, which is made if need be. OSError."""
        directory = self.directory(tag)
        os.makedirs(directory, exist_ok=True)
        procfs.write(f"{directory}/cgroup.procs", str(pid))

    def open(self, tag: Tag) -> int:
        """A descriptor of an instance's cgroup, made if need be; -1 where there is none."""
        if not self.possible:
            return -1
        try:
            directory = self.directory(tag)
            os.makedirs(directory, exist_ok=True)
            return os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return -1

    def limit(self, tag: Tag, field: str, value: Value) -> None:
        """Put one limit in force. OSError; ValueError, a sentence, where it would end the app."""
        directory = self.directory(tag)
        self._enable(CONTROLLERS[field])
        os.makedirs(directory, exist_ok=True)
        try:
            OF_CGROUPS[field].set(directory, value)
        except ValueError as error:
            message = f"{error}; `recon restart` starts it within the limit"
            raise ValueError(message) from None

    def members(self, tag: Tag) -> list[int]:
        """The pids in an instance's cgroup, and in those that the program made below it."""
        if not self.possible or _is_empty(home := self.directory(tag)):
            return []
        return [pid for directory in _tree(home) for pid in _pids(directory)]

    def kill(self, tag: Tag) -> bool:
        """SIGKILL everything in it; False where there is no such cgroup."""
        directory = self.directory(tag)
        if not self.possible or not os.path.isdir(directory):
            return False
        try:
            procfs.write(f"{directory}/cgroup.kill", "1")
        except FileNotFoundError:  # Linux before 5.14
            _kill_frozen(directory)
        except OSError:
            return False
        return True

    def remove(self, tag: Tag) -> bool:
        """Remove an instance's cgroup; False while there are processes in it."""
        return not self.possible or _remove(self.directory(tag))

    def sweep(self, live: set[str]) -> None:
        """Remove what earlier controllers left: empty cgroups of no instance that lives."""
        home = store_directory(self.facts.base, self._store)
        for name in _names(home) if self.possible else ():
            if name.rpartition(".")[2] not in live:
                _remove(f"{home}/{name}")

    def close(self) -> None:
        """Leave nothing where nothing runs."""
        if self.possible:
            home = store_directory(self.facts.base, self._store)
            for directory in (home, os.path.dirname(home)):
                with contextlib.suppress(OSError):
                    os.rmdir(directory)

    def _enable(self, controller: str) -> None:
        """Have a controller's files appear in the instances' cgroups."""
        if controller in self._enabled:
            return
        base = self.facts.base
        home = store_directory(base, self._store)
        os.makedirs(home, exist_ok=True)
        for directory in (base, f"{base}/{HOME}", home):
            if controller not in _words(f"{directory}/cgroup.subtree_control"):
                self._enable_in(directory, controller)
        self._enabled.add(controller)

    def _enable_in(self, directory: str, controller: str) -> None:
        try:
            procfs.write(f"{directory}/cgroup.subtree_control", f"+{controller}")
        except OSError as error:
            if error.errno != errno.EBUSY or directory != self.facts.base:
                raise
            # Processes beside controllers are allowed at the root of the hierarchy only.
            leaf = f"{directory}/{HOME}/{CONTROLLER}"
            os.makedirs(leaf, exist_ok=True)
            for pid in _pids(directory):
                with contextlib.suppress(ProcessLookupError):
                    procfs.write(f"{leaf}/cgroup.procs", str(pid))
            procfs.write(f"{directory}/cgroup.subtree_control", f"+{controller}")


def _kill_frozen(directory: str) -> None:
    """Do what cgroup.kill does: freeze all processes, so that none can fork, and kill each."""
    for one in _tree(directory):
        with contextlib.suppress(OSError):
            procfs.write(f"{one}/cgroup.freeze", "1")
    for one in _tree(directory):
        for pid in _pids(one):
            with contextlib.suppress(OSError):
                pidfd = os.pidfd_open(pid)
                try:
                    if pid in _pids(one):  # still the same, now that the descriptor holds it
                        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                finally:
                    os.close(pidfd)
    for one in _tree(directory):
        with contextlib.suppress(OSError):
            procfs.write(f"{one}/cgroup.freeze", "0")


def _tree(directory: str) -> list[str]:
    """The cgroup and all below it, itself first."""
    return [found for found, _, _ in os.walk(directory)]


def _remove(directory: str) -> bool:
    """From the leaves upwards; a cgroup's files go with it. As a rule it is a leaf itself."""
    with contextlib.suppress(OSError):
        os.rmdir(directory)
        return True
    try:
        for one in reversed(_tree(directory)):
            os.rmdir(one)
    except OSError as error:
        return error.errno == errno.ENOENT
    return True


def _is_empty(directory: str) -> bool:
    """Whether the kernel says that nothing runs in it or below: one file for all of them."""
    try:
        fd = os.open(f"{directory}/cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return not os.path.isdir(directory)
    try:
        return b"populated 0\n" in os.read(fd, 256)
    except OSError:  # ENODEV: being removed
        return False
    finally:
        os.close(fd)


def _pids(directory: str) -> list[int]:
    return [int(word) for word in _words(f"{directory}/cgroup.procs")]


def _names(directory: str) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(directory) if entry.is_dir()]
    except OSError:
        return []


def _words(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().split()
    except OSError:  # gone, or (ENODEV) being removed
        return []
