"""Who may ask the controller: tried by processes of other users, on real sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.api.access import Access, group_id
from reconciler.api.client import Client
from reconciler.api.errors import ApiError, ClientError
from reconciler.api.guests import MOST, Guests
from reconciler.api.server import Server, listen
from tests.otheruser import as_user

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")
STRANGER, GROUP = 54321, 4242


async def done(request: Request) -> Response:
    return JSONResponse({"done": request.method})


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of ours that every user may enter."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def serving(listener: socket.socket, access: Access, act: Callable[[], str]) -> str:
    """What ``act`` says beside a server."""

    async def run() -> str:
        routes = [Route("/{any:path}", done, methods=["GET", "POST", "DELETE"])]
        server = Server(Starlette(routes=routes), access)
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
            return str(Client(main, shared).version())
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
        with pytest.raises(PermissionError, match="others could put a socket of theirs there"):
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
