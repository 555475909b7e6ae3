"""The process: sockets, the link that is printed, and the end on SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from sse_starlette.sse import AppStatus

from reconciler.api.client import Client
from reconciler.ui.dashboard.security.gate import Gate
from reconciler.ui.dashboard.security.hosts import Hosts
from reconciler.ui.dashboard.security.links import Links
from reconciler.ui.dashboard.security.password import Password
from reconciler.ui.dashboard.security.peer import Peers
from reconciler.ui.dashboard.security.sessions import Sessions
from reconciler.ui.dashboard.server.answers import Answers
from reconciler.ui.dashboard.server.app import application
from reconciler.ui.dashboard.server.doctor import Doctor
from reconciler.ui.dashboard.server.doorbell import Doorbell
from reconciler.ui.dashboard.server.doors import Doors
from reconciler.ui.dashboard.server.feed.hub import Hub
from reconciler.ui.dashboard.server.feed.reader import Reader
from reconciler.ui.dashboard.server.logs import Following, Logs
from reconciler.ui.dashboard.server.site import this_site
from reconciler.ui.live.closable import ClosableClient
from reconciler.ui.live.live import Live

_CONNECTIONS = 256
_GRACE = 2
"""Seconds that streams have to end."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says."""

    paths: tuple[Path, Callable[[], Path] | None]
    """The controller's sockets, as ``Client`` takes them."""
    password: Password | None = None
    public_url: str = ""
    """By which address browsers come, where a proxy stands before the page."""
    users: tuple[int, ...] = ()
    """Who may open the page beside its own user."""
    doorbell: Path | None = None
    """Where `recon dashboard` asks a running page for another link."""
    doctor: Sequence[str] = ()
    """The command whose output is the document of `recon doctor -o json`."""


def run(listener: socket.socket, settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C. ``announce`` is called with the address to open."""
    asyncio.run(_serve(listener, settings, announce))


async def _serve(
    listener: socket.socket, settings: Settings, announce: Callable[[str], None]
) -> None:
    client = Client(*settings.paths)
    hub, links, sessions = (
        Hub(Live(client), Reader(client, Doctor(settings.doctor))),
        Links(),
        Sessions(),
    )
    gate = gated(listener.getsockname()[1], settings, hub, links, sessions)
    config = uvicorn.Config(
        gate,
        access_log=False,  # it would hold the links
        log_level="warning",
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE,
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        ws="none",
    )
    server = _Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.leave)
    address = address_of(listener, settings)
    doorbell = Doorbell(settings.doorbell, lambda: _link(address, links, settings))
    following = asyncio.create_task(hub.run())
    try:
        async with doorbell:
            announce(_link(address, links, settings))
            await server.serve(sockets=[listener])
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


class _Server(uvicorn.Server):
    """Ends as other programs do, with exit code 0; uvicorn's own would raise the signal again."""

    def leave(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        AppStatus.should_exit = True  # sse-starlette: its streams end

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


def gated(
    port: int,
    settings: Settings,
    hub: Hub,
    links: Links,
    sessions: Sessions,
    *,
    peers: Peers | None = None,
) -> Gate:
    """The whole page as an ASGI application. ``peers``: instead of those of the settings."""
    has_password = settings.password is not None
    is_secure = settings.public_url.startswith("https://")
    answers = Answers(this_site())
    logs = Logs(hub.reader.controller, lambda: _following(settings))
    doors = Doors(answers, sessions, links, settings.password, port=port, is_secure=is_secure)
    return Gate(
        application(hub, answers, doors, logs),
        hosts=Hosts(_names(settings), addresses=has_password),
        sessions=sessions,
        refuse=answers.refusal,
        peers=None if has_password else peers or Peers(settings.users),
        port=port,
        wants_password=has_password,
    )


def _names(settings: Settings) -> Iterable[str]:
    if settings.password is not None:
        yield socket.gethostname()
    if settings.public_url:
        yield urlsplit(settings.public_url).hostname or ""


def address_of(listener: socket.socket, settings: Settings) -> str:
    """``http://127.0.0.1:7333``."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _link(address: str, links: Links, settings: Settings) -> str:
    if settings.password is not None:
        return f"{address}/"
    return f"{address}/open?token={links.new()}"


def _following(settings: Settings) -> Following:
    client = ClosableClient(Client(*settings.paths))
    return Following(client, client.close)
