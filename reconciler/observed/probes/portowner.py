"""Whose is the socket that listens where a probe asks: the instance's own, or another's?

What an old process answers says nothing of the new one. The kernel tells which sockets listen
there, and the descriptors of a few processes of ours tell who holds them. Only what is certain
counts: a socket of a process that recon does not know (a container, another namespace, a child that
left, a process that may not be looked at) is ``UNKNOWN``.

All of this may take a while, so it is a thread's work.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.words.address import Address
from reconciler.observed.probes import listeners, sockdiag
from reconciler.observed.probes.sockdiag import Listener
from reconciler.system import procfs
from reconciler.system.getfd import getfd

_LINKS = 20_000
"""Descriptors looked at for one answer; a process with more is not known."""
_LOOPBACK = {"localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where a connection to these names leads."""


class Owner(StrEnum):
    """Of the socket that a connection would reach."""

    OWN = "own"
    ANOTHERS = "another's"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """Who holds a port. ``holder``: the rival's nonce, ``pid`` its process that listens."""

    owner: Owner = Owner.UNKNOWN
    holder: str = ""
    pid: int = 0
    exclusive: bool = False
    """No other process can listen beside it (it has no SO_REUSEPORT)."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: pids of the instance itself, and by nonce of those it may be mistaken for."""

    host: str
    port: int
    own: Sequence[int]
    rivals: Mapping[str, Sequence[int]]


def classify(
    reached: Iterable[int], own: Container[int], rivals: Mapping[int, str]
) -> tuple[Owner, str]:
    """Whose the sockets are that a connection may reach, and a rival that holds one. Pure.

    ``own`` are inodes that the instance holds, ``rivals`` says by inode who else is known to.
    """
    inodes = [*reached]
    if any(inode in own for inode in inodes):
        return Owner.OWN, ""
    if inodes and all(inode in rivals for inode in inodes):
        return Owner.ANOTHERS, rivals[inodes[0]]
    return Owner.UNKNOWN, ""


def reached(sockets: Iterable[Listener], host: str) -> list[int]:
    """The inodes of those that a connection to ``host`` reaches, as Linux chooses: the address
    itself, else all addresses of its family, else ``::``. More than one share it (SO_REUSEPORT)."""
    best: dict[int, list[int]] = {}
    for one in sockets:
        rank = _rank(one, host)
        if rank is not None:
            best.setdefault(rank, []).append(one.inode)
    return best[min(best)] if best else []


def find(question: Question, proc: str = procfs.PROC) -> Found:
    """Who holds the port. Never raises."""
    host = _LOOPBACK.get(question.host, question.host)
    try:
        if not _is_here(host):
            return Found()
        sockets = _listening(question.port, proc)
        inodes = reached(sockets, host)
        if not inodes:
            return Found()
        links = _Links(proc)
        every = {one.inode for one in sockets if _rank(one, host) is not None}
        own = {inode for pid in question.own for inode, _ in links.of(pid, every, strict=True)}
        if own:
            return Found(Owner.OWN)
        held: dict[int, tuple[str, int, int]] = {}
        for nonce, pids in question.rivals.items():
            for pid in pids:
                for inode, fd in links.of(pid, every):
                    held.setdefault(inode, (nonce, pid, fd))
    except (OSError, ValueError):
        return Found()
    owner, holder = classify(inodes, own, {inode: one[0] for inode, one in held.items()})
    if owner is not Owner.ANOTHERS:
        return Found(owner)
    _, pid, fd = held[inodes[0]]
    return Found(owner, holder, pid, _is_exclusive(pid, fd))


class _Links:
    """Sockets among the descriptors of processes, within one budget."""

    def __init__(self, proc: str) -> None:
        self._proc = proc
        self._left = _LINKS

    def of(
        self, pid: int, inodes: Container[int], *, strict: bool = False
    ) -> Iterator[tuple[int, int]]:
        """(inode, number) of those that a process has open. ``strict``: OSError where that cannot
        be told of a process that is there."""
        folder = f"{self._proc}/{pid}/fd"
        try:
            for name in os.listdir(folder):
                self._left -= 1
                if self._left < 0:
                    raise OSError("too many descriptors")
                target = os.readlink(f"{folder}/{name}")
                if target.startswith("socket:[") and int(target[8:-1]) in inodes:
                    yield int(target[8:-1]), int(name)
        except (FileNotFoundError, ProcessLookupError):
            return  # gone, or closed meanwhile
        except OSError:
            if strict or self._left < 0:
                raise


def _rank(one: Listener, host: str) -> int | None:
    if one.host == host:
        return 0
    is_v6 = ":" in host
    if one.host == "0.0.0.0" and not is_v6:
        return 1
    if one.host == "::" and (is_v6 or not one.v6only):
        return 1 if is_v6 else 2
    mapped = ipaddress.ip_address(one.host)
    same = isinstance(mapped, ipaddress.IPv6Address) and str(mapped.ipv4_mapped) == host
    return 0 if same else None


def _listening(port: int, proc: str) -> list[Listener]:
    try:
        return sockdiag.listeners(port)
    except OSError:  # a kernel without it; its tables are as good, and slow where they are long
        found = [*listeners.listening(Address("0.0.0.0", port), proc).items()]
        found += listeners.listening(Address("::", port), proc).items()
        return [Listener(inode, at.host) for inode, at in dict(found).items()]


def _is_here(host: str) -> bool:
    """Whether an address is one of this host."""
    family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def _is_exclusive(pid: int, fd: int) -> bool:
    """Whether a listening socket of another process does not share its port."""
    try:
        pidfd = os.pidfd_open(pid)
        try:
            got = getfd(pidfd, fd)
        finally:
            os.close(pidfd)
        with socket.socket(fileno=got) as listening:
            return not listening.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
    except OSError:
        return False
