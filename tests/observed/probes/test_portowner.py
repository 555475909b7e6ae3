"""Whose socket a probe reaches: by the kernel's word, on sockets of real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.observed.probes import portowner, sockdiag
from reconciler.observed.probes.portowner import Found, Owner, Question, classify, find, reached
from reconciler.observed.probes.sockdiag import Listener

_LISTENS = """
import socket, sys
host, port, share, v6only = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1", sys.argv[4] == "1"
one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
if share: one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
if ":" in host: one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
one.bind((host, port)); one.listen()
print(one.getsockname()[1], flush=True)
sys.stdin.read()
"""
Listen = Callable[..., tuple[int, int]]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Starts a process that listens: its pid, and the port."""
    with ExitStack() as stack:

        def start(
            host: str = "127.0.0.1", port: int = 0, *, share: bool = False, v6only: bool = False
        ) -> tuple[int, int]:
            flags = [str(int(share)), str(int(v6only))]
            child = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _LISTENS, host, str(port), *flags],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            stack.callback(child.kill)
            assert child.stdout is not None
            return child.pid, int(child.stdout.readline())

        yield start


def _ask(port: int, host: str = "127.0.0.1", own: int = 0, *rivals: int) -> Found:
    own_pids = [own] if own else [os.getpid()]
    return find(Question(host, port, own_pids, {f"n{pid}": [pid] for pid in rivals}))


def test_ours_anothers_and_unknown(listen: Listen) -> None:
    pid, port = listen()
    other, elsewhere = listen()
    assert _ask(port, "127.0.0.1", pid, other).owner is Owner.OWN
    assert _ask(port, "127.0.0.1", other, pid) == Found(Owner.ANOTHERS, f"n{pid}", pid, True)
    assert _ask(port, "127.0.0.1", other).owner is Owner.UNKNOWN, "of nobody that recon knows"
    assert _ask(port, "localhost", other, pid).owner is Owner.ANOTHERS
    assert elsewhere != port


def test_nobody_listens_and_a_host_that_is_elsewhere_are_unknown(listen: Listen) -> None:
    pid, port = listen("0.0.0.0")
    assert _ask(port, "192.0.2.1", 0, pid).owner is Owner.UNKNOWN
    assert _ask(port, "db.example", 0, pid).owner is Owner.UNKNOWN
    with socket.create_server(("127.0.0.1", 0)) as closed:
        free = closed.getsockname()[1]
    assert _ask(free, "127.0.0.1", 0, pid).owner is Owner.UNKNOWN


@pytest.mark.parametrize(
    ("host", "v6only", "asked", "owner"),
    [
        ("0.0.0.0", False, "127.0.0.1", Owner.ANOTHERS),
        ("0.0.0.0", False, "::1", Owner.UNKNOWN),
        ("::", False, "127.0.0.1", Owner.ANOTHERS),
        ("::", True, "127.0.0.1", Owner.UNKNOWN),
        ("::", True, "::1", Owner.ANOTHERS),
        ("::1", True, "127.0.0.1", Owner.UNKNOWN),
        ("127.0.0.2", False, "127.0.0.1", Owner.UNKNOWN),
    ],
)
def test_addresses_are_matched_as_linux_does(
    listen: Listen, host: str, v6only: bool, asked: str, owner: Owner
) -> None:
    pid, port = listen(host, v6only=v6only)
    assert _ask(port, asked, 0, pid).owner is owner


def test_siblings_that_share_a_port_are_ours_where_one_of_them_is(listen: Listen) -> None:
    first, port = listen(share=True)
    second, _ = listen(port=port, share=True)
    assert _ask(port, "127.0.0.1", second, first).owner is Owner.OWN
    found = _ask(port, "127.0.0.1", 0, first, second)
    assert found.owner is Owner.ANOTHERS and not found.exclusive
    assert _ask(port, "127.0.0.1", 0, first).owner is Owner.UNKNOWN, "one of two is not known"


def test_a_table_of_the_kernel_that_is_not_there_is_made_up_for(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid, port = listen()

    def refuse(port: int) -> list[Listener]:
        raise OSError("no such module")

    monkeypatch.setattr(sockdiag, "listeners", refuse)
    assert _ask(port, "127.0.0.1", 0, pid).owner is Owner.ANOTHERS


def test_too_many_descriptors_are_unknown(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    pid, port = listen()
    monkeypatch.setattr(portowner, "_LINKS", 2)
    assert _ask(port, "127.0.0.1", 0, pid).owner is Owner.UNKNOWN


@given(
    st.lists(st.integers(1, 5)),
    st.sets(st.integers(1, 5)),
    st.dictionaries(st.integers(1, 5), st.just("n")),
)
def test_only_what_is_certain_is_anothers(
    inodes: list[int], own: set[int], rivals: dict[int, str]
) -> None:
    owner, holder = classify(inodes, own, rivals)
    if owner is Owner.ANOTHERS:
        assert inodes and not own & {*inodes} and {*inodes} <= rivals.keys() and holder == "n"
    assert (owner is Owner.OWN) is bool(own & {*inodes})


def test_the_address_itself_wins_over_all_addresses() -> None:
    sockets = [Listener(1, "0.0.0.0"), Listener(2, "127.0.0.1"), Listener(3, "::")]
    assert reached(sockets, "127.0.0.1") == [2]
    assert reached(sockets[::2], "127.0.0.1") == [1]
    assert reached(sockets, "::1") == [3]
