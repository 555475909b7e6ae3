"""Sockets that recon binds, keeps open, and hands to every instance (design.md#sockets).

All instances of an app share one queue of connections, which is the kernel's and outlives each of
them: a replacement never refuses a connection. Guarantees:

- An address is bound once, whichever apps use it, one after the other: renaming an app keeps it.
- A socket is kept as long as an app declares it or a process that got it lives.
- After a crash of the controller the very same socket is fetched back: from the fd store of
  systemd, else from an instance that has it (``pidfd_getfd``, Linux ≥ 5.6). Where that is not
  allowed (Yama, another user's process), it is bound again beside the old one (SO_REUSEPORT).
- A stranger's socket in the way is never shared: it is a SocketError that names its process.
"""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from reconciler.converge.sockets import fdstore
from reconciler.model.spec.socket import Socket
from reconciler.model.words.address import Address
from reconciler.model.words.sentence import Sentence
from reconciler.system.exec_errors import SpawnError
from reconciler.system.files import safe_files
from reconciler.system.getfd import getfd

_BACKLOG = 65535
"""The kernel lowers it to net.core.somaxconn."""

Fetch = tuple[int, int]
"""(pidfd, descriptor) of a process of ours that has a socket open."""


_LONGEST_PATH = 107
"""Bytes of the path of a unix socket (unix(7))."""


class SocketError(SpawnError):
    """A socket is unavailable: the app's own trouble, tried again with its backoff."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, False, remedy)


class Sockets:
    """The listening sockets of all apps, by address.

    ``find(address)`` tells where processes of ours have it open; ``stranger(address, own)`` who
    else is in its way, as a phrase, given the inodes of our own sockets.
    """

    def __init__(
        self,
        find: Callable[[Address], Iterable[Fetch]],
        stranger: Callable[[Address, set[int]], str | None],
    ) -> None:
        self._find = find
        self._stranger = stranger
        self._open: dict[Address, socket.socket] = {}
        self._declared: dict[str, tuple[Socket, ...]] = {}
        self._held: dict[str, frozenset[Address]] = {}
        self._stored = fdstore.take()
        self._conflicts: dict[str, str] = {}

    def declare(self, app: str, sockets: tuple[Socket, ...]) -> None:
        """The app listens on these from now on, and keeps no others. Trouble: ``conflicts``."""
        if self._declared.get(app, ()) == sockets and app not in self._conflicts:
            return
        self._declared[app] = sockets
        self._conflicts.pop(app, None)
        try:
            for one in sockets:
                self._ensure(one)
        except SocketError as error:
            self._conflicts[app] = str(error)
        if not sockets:
            del self._declared[app]
        self._drop_unused()

    def conflicts(self) -> Mapping[str, str]:
        """By app: why one of its sockets is unavailable, a sentence."""
        return self._conflicts

    def hold(self, nonce: str, sockets: tuple[Socket, ...]) -> list[int]:
        """The descriptors for a process about to start, which keeps them open until ``release``.

        Raises SocketError.
        """
        found = [self._ensure(one) for one in sockets]
        if found:
            self._held[nonce] = frozenset(one.address for one in sockets)
        return [one.fileno() for one in found]

    def release(self, nonce: str) -> None:
        """The process is gone."""
        if self._held.pop(nonce, None):
            self._drop_unused()

    def close(self) -> None:
        """Leave. What is open elsewhere stays open; no file of a unix socket is removed."""
        for one in self._open.values():
            one.close()
        self._open.clear()

    def _ensure(self, declared: Socket) -> socket.socket:
        address = declared.address
        known = self._open.get(address) or self._stored.pop(address, None)
        if known is None:
            known = self._fetch(address) or self._bind(declared)
            fdstore.keep(address, known.fileno())
        self._open[address] = known
        if address.path:
            _own(declared)
        return known

    def _fetch(self, address: Address) -> socket.socket | None:
        for pidfd, fd in self._find(address):
            with contextlib.suppress(OSError):
                return socket.socket(fileno=getfd(pidfd, fd))
        return None

    def _bind(self, declared: Socket) -> socket.socket:
        address = declared.address
        own = {os.fstat(one.fileno()).st_ino for one in self._open.values()}
        stranger = self._stranger(address, own)
        if stranger is not None:
            remedy = "stop that, or choose another address"
            raise SocketError(f"{address} is held by {stranger}", remedy)
        if address.path and safe_files.is_served(Path(address.path)):
            # The kernel's table of sockets may leave out one that is there.
            if (again := self._fetch(address)) is not None:
                return again
            if not any(self._find(address)):
                message = f"{address} is already in use by a process that recon cannot see"
                raise SocketError(message, "stop that, or choose another path")
        if address.path and len(os.fsencode(address.path)) > _LONGEST_PATH:
            message = f"{address} is too long for a unix socket ({_LONGEST_PATH} bytes)"
            raise SocketError(message, "choose a shorter path")
        try:
            return _bound(address)
        except OSError as error:
            raise SocketError(*_why(error, address)) from error

    def _drop_unused(self) -> None:
        used = {one.address for sockets in self._declared.values() for one in sockets}
        used = used.union(*self._held.values())
        for address in self._open.keys() - used:
            self._open.pop(address).close()
            fdstore.drop(address)
            if address.path:
                safe_files.remove_socket(Path(address.path))


def _bound(address: Address) -> socket.socket:
    """A socket that listens. OSError."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(socket.AF_UNIX if address.path else family)
    try:
        if address.path:
            _bind_path(bound, address.path)
        else:
            _bind_port(bound, address)
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _bind_path(bound: socket.socket, path: str) -> None:
    """Bind it so that no other user can connect before its mode is set (``_own``)."""
    # What is left of one that listens no more; a living one is a stranger.
    safe_files.remove_socket(Path(path))
    # a link that another user made leads nowhere else
    with safe_files.held(Path(path).parent) as folder:
        before = os.umask(0o177)
        try:
            bound.bind(path)
        finally:
            os.umask(before)
        # By its name, since /proc/net/unix has to show where it is. So what that led to is checked.
        if not os.path.lexists(folder / Path(path).name):
            raise OSError(errno.ESTALE, "its folder was moved in the meantime; trying again", path)


def _bind_port(bound: socket.socket, address: Address) -> None:
    if ":" in address.host:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address.host != "::")
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    # Inherited by each connection: uvicorn takes every descriptor for a unix socket, and would
    # leave this out; its clients then wait 40 ms for each answer on a kept connection.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bound.bind((address.host, address.port))


def _own(declared: Socket) -> None:
    """Give a unix socket's file its mode and owner. SocketError."""
    assert declared.path is not None
    try:
        uid = _id(declared.owner, lambda name: pwd.getpwnam(name).pw_uid)
        gid = _id(declared.group, lambda name: grp.getgrnam(name).gr_gid)
        safe_files.give_socket(Path(declared.path), uid, gid, int(declared.mode, 8))
    except KeyError as error:
        raise SocketError(f"{declared.path}: {error.args[0]}") from error
    except FileNotFoundError:
        return  # the file was removed; open connections stay
    except OSError as error:
        raise SocketError(f"{declared.path}: its mode or owner: {error.strerror}") from error


def _id(name: str | None, look_up: Callable[[str], int]) -> int:
    if name is None:
        return -1
    return int(name) if name.isdigit() else look_up(name)


def _why(error: OSError, address: Address) -> Sentence:
    if error.errno == errno.EACCES and 0 < address.port < 1024:
        return Sentence(
            f"port {address.port} is reserved for root",
            "run recon as root, give it CAP_NET_BIND_SERVICE, or set the sysctl "
            f"net.ipv4.ip_unprivileged_port_start to {address.port}",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return Sentence(f"{address.host} is not an address of this host", "`ip address` lists them")
    if error.errno == errno.EADDRINUSE and address.path:
        return Sentence(
            f"{address} exists and is not a socket", "remove it, or choose another path"
        )
    return Sentence(f"cannot listen on {address}: {error.strerror or error}")
