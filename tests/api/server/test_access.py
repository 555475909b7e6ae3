"""Who may ask the controller: tried by processes of other users, on real sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.asgi.application import Application, Route
from reconciler.api.asgi.request import Request
from reconciler.api.asgi.response import Answer, Response
from reconciler.api.client import Client
from reconciler.api.errors import ApiError, ClientError
from reconciler.api.server.acceptor import Acceptor
from reconciler.api.server.access import Access, group_id
from reconciler.api.server.guests import ALL, MOST, Guests
from reconciler.api.server.server import Server, listen
from tests.otheruser import as_user

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")
STRANGER, GROUP = 54321, 4242


async def done(request: Request) -> Response:
    return Answer({"done": request.method})


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of ours that every user may enter."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def serving(listener: socket.socket, access: Access, act: Callable[[], str]) -> str:
    """What ``act`` says beside a server."""

    async def run() -> str:
        routes = [Route("/v1/{any}", done, methods=["GET", "POST", "DELETE"])]
        server = Server(Application(routes), access)
        task = asyncio.create_task(server.serve(listener))
        try:
            return await asyncio.wait_for(asyncio.to_thread(act), 60)
        finally:
            server.leave()
            await asyncio.wait_for(task, 60)

    return asyncio.run(run())


def ask(path: Path, method: str = "GET") -> str:
    try:
        return str(Client(path)._ask(method, "/v1/x"))
    except ClientError as error:
        return f"{getattr(error, 'status', '')} {error}"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_our_own_user_may_do_everything(place: Path, method: str) -> None:
    said = serving(listen(place / "s"), Access(), lambda: ask(place / "s", method))
    assert said == str({"done": method})


@as_root
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_stranger_may_nothing_even_where_the_sockets_mode_lets_him_in(
    place: Path, method: str
) -> None:
    listener = listen(place / "s")

    def tried() -> str:
        return as_user(lambda: ask(place / "s", method), STRANGER)

    assert "Permission denied" in serving(listener, Access(), tried)
    for access in (Access(), Access(GROUP)):
        listener = listen(place / "s")
        (place / "s").chmod(0o666)
        assert "403 this controller is another user's" in serving(listener, access, tried)


@as_root
@pytest.mark.parametrize("count", [1, 300])
def test_members_of_the_group_may_look_and_nothing_else(place: Path, count: int) -> None:
    groups = [*range(100_000, 100_000 + count - 1), GROUP]

    def tried(method: str) -> str:
        listener = listen(place / "s", GROUP)
        status = (place / "s").stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (0, GROUP, 0o660)

        def act() -> str:
            return as_user(lambda: ask(place / "s", method), STRANGER, groups)

        return serving(listener, Access(GROUP), act)

    assert tried("GET") == "{'done': 'GET'}"
    for method in ("POST", "DELETE"):
        assert (
            tried(method) == f"403 members of the group {GROUP} may only look; ask as root for more"
        )


@as_root
def test_what_counts_is_who_connected_not_who_he_became(place: Path) -> None:
    """Nor who else has his pid, or his socket, by then."""

    def act() -> str:
        def connect() -> str:
            with socket.socket(socket.AF_UNIX) as one:
                one.connect(str(place / "s"))
                os.setresuid(0, 0, 0)
                one.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return one.recv(4096).decode()

        def half() -> str:
            os.setresuid(STRANGER, STRANGER, 0)
            return connect()

        return as_user(half, 0)

    listener = listen(place / "s")
    (place / "s").chmod(0o666)
    assert "403" in serving(listener, Access(), act)


@as_root
def test_one_who_may_not_enter_our_folder_asks_where_it_is_shared(place: Path) -> None:
    (place / "state").mkdir(mode=0o700)
    (place / "run").mkdir(mode=0o755)
    main, shared = place / "state/s", place / "run/s"
    listen(main).close()

    def look() -> str:
        try:
            return str(Client(main, lambda: shared).version())
        except ApiError as error:
            return str(error)

    def tried() -> str:
        return as_user(look, STRANGER, [GROUP])

    assert "Permission denied" in tried()
    assert serving(listen(shared, GROUP), Access(GROUP), tried) == "{'done': 'GET'}"
    assert "no controller is running" in as_user(lambda: ask(shared), STRANGER, [GROUP]), (
        "what is left of one that has left"
    )


@as_root
def test_a_folder_in_which_others_could_put_a_socket_is_refused(place: Path) -> None:
    for mode, owner in ((0o777, 0), (0o770, 0), (0o1777, 0), (0o755, STRANGER)):
        place.chmod(mode)
        os.chown(place, owner, -1)
        with pytest.raises(PermissionError, match="others could replace the socket there"):
            listen(place / "s")
    os.chown(place, 0, -1)
    place.chmod(0o755)
    listen(place / "s").close()


def test_a_group_by_name_or_number() -> None:
    assert (group_id("root"), group_id("4242")) == (0, 4242)
    with pytest.raises(ValueError, match="there is no group nosuchgroup"):
        group_id("nosuchgroup")


# -- guests share the loop ------------------------------------------------------------------------


@as_root
def test_a_guest_has_so_many_connections_and_others_are_served(place: Path) -> None:
    listener = listen(place / "s", GROUP)

    def act() -> str:
        def hoard() -> str:
            held = []
            for _ in range(MOST):
                held.append(socket.socket(socket.AF_UNIX))
                held[-1].connect(str(place / "s"))
                held[-1].sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n")  # never ends its request
            return ask(place / "s")

        said = as_user(hoard, STRANGER, [GROUP])
        return f"{said} / {ask(place / 's')}"

    said = serving(listener, Access(GROUP), act)
    assert said.startswith(f"429 user {STRANGER} has {MOST} connections"), said
    assert said.endswith("/ " + str({"done": "GET"}))


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=200))
def test_guests_are_bounded_each_and_in_all_and_nothing_is_kept_of_them(
    moves: list[tuple[int, bool]],
) -> None:
    guests, inside = Guests(), Counter[int]()
    for uid, comes in moves * 20:
        if comes:
            fits = inside[uid] < MOST and inside.total() < ALL
            assert (guests.enter(uid) == "") is fits
            inside[uid] += fits
        elif inside[uid]:
            guests.leave(uid)
            inside[uid] -= 1
    for uid in inside.elements():
        guests.leave(uid)
    assert not guests._connections and not guests._turns


def test_a_guest_who_leaves_and_comes_back_waits_as_if_it_had_stayed() -> None:
    async def run() -> None:
        guests = Guests()
        guests.enter(1)
        turn = await guests.turn(1)
        guests.leave(1)
        guests.enter(1)
        following = asyncio.ensure_future(guests.turn(1))
        await asyncio.sleep(0)
        assert not following.done()
        turn.end()
        (await following).end()
        guests.leave(1)
        while guests._turns:
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(run(), 60))


@as_root
def test_what_guests_do_keeps_our_own_user_out_of_nothing(place: Path) -> None:
    """As many users as fill all places of guests; one more is told so, and we are served."""
    listener = listen(place / "s", GROUP)

    def act() -> str:
        def hoard() -> str:
            held = []
            for number in range(ALL):
                os.setresuid(STRANGER + number // MOST, STRANGER + number // MOST, 0)
                held.append(socket.socket(socket.AF_UNIX))
                held[-1].connect(str(place / "s"))
                held[-1].sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n")  # never ends its request
                os.setresuid(0, 0, 0)
            os.setresuid(STRANGER - 1, STRANGER - 1, 0)
            told = ask(place / "s")
            os.setresuid(0, 0, 0)
            return f"{told} / {ask(place / 's')}"

        def root() -> str:
            os.setresgid(GROUP, GROUP, GROUP)
            return hoard()

        return as_user(root, 0)

    said = serving(listener, Access(GROUP), act)
    told = f"429 {ALL} connections of guests are open already; try again later, or as root"
    assert said == f"{told} / {{'done': 'GET'}}"


def test_an_acceptor_rests_after_a_guest_and_lets_others_in_at_once() -> None:
    """With a loop that only notes what it is asked for."""
    near, far = socket.socketpair()
    with near, far:
        queue = [near.dup() for _ in range(3)]
        loop = Noting()
        came: list[socket.socket] = []

        class Listener:
            def accept(self) -> tuple[socket.socket, str]:
                if not queue:
                    raise BlockingIOError
                return queue.pop(), ""

            def close(self) -> None:
                pass

        def admit(peer: socket.socket) -> bool:
            peer.close()
            came.append(peer)
            return len(came) > 1

        acceptor = Acceptor(loop, Listener(), admit)  # type: ignore[arg-type]  # what it needs of them
        loop.ready()
        assert len(came) == 2 and loop.asked == ["add", "remove", "later"]
        loop.later()
        loop.ready()
        assert len(came) == 3 and loop.asked[3:] == ["add", "remove", "later"]
        acceptor.close()


class Noting:
    """Of an event loop, what an acceptor asks for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ready: Callable[[], None] = lambda: None
        self.later: Callable[[], None] = lambda: None

    def add_reader(self, listener: object, ready: Callable[[], None]) -> None:
        self.asked.append("add")
        self.ready = ready

    def remove_reader(self, listener: object) -> None:
        self.asked.append("remove")

    def call_later(self, seconds: float, later: Callable[[], None]) -> asyncio.TimerHandle:
        self.asked.append("later")
        self.later = later
        loop = asyncio.new_event_loop()
        try:
            return loop.call_later(seconds, later)
        finally:
            loop.close()


@pytest.mark.parametrize("took", [0.01, 0.05])
def test_a_guest_waits_for_its_next_answer_as_its_share_wants(took: float) -> None:
    """With the loop's own clock, which is simulated here."""

    async def run() -> list[float]:
        loop = asyncio.get_running_loop()
        now = 0.0
        calls: list[float] = []
        monkey = pytest.MonkeyPatch()
        monkey.setattr(loop, "time", lambda: now)
        monkey.setattr(loop, "call_later", lambda wait, call: calls.append(wait))
        turn = await Guests().turn(1)
        now += took
        turn.end()
        turn.end()
        monkey.undo()
        return calls

    (wait,) = asyncio.run(run())
    assert wait / (wait + took) == pytest.approx(0.9)
