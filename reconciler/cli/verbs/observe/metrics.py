"""`recon metrics`: the controller in numbers, once or for Prometheus to fetch."""

from __future__ import annotations

import sys
from typing import Annotated

from reconciler.api.client import Client
from reconciler.cli.framework import controller
from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import OK
from reconciler.cli.framework.listening import address_of, is_loopback, listen_on, place_of
from reconciler.cli.framework.options import Manifests, StateDir, formats, one_of, where

_FORMATS = {
    "text": "text/plain;version=0.0.4",
    "openmetrics": "application/openmetrics-text;version=1.0.0",
}
_PUBLIC = (
    "anyone who reaches {place} can read the names of your apps and how they are; "
    "127.0.0.1 is for this host only"
)


def metrics(
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    listen: Annotated[
        str | None,
        Option(
            "--listen", metavar="HOST:PORT", help="Serve http://HOST:PORT/metrics until stopped."
        ),
    ] = None,
    output: Annotated[str, formats(*_FORMATS)] = "text",
) -> int:
    """Print metrics for Prometheus, or serve them.

    Without --listen they are printed once. With it, http://HOST:PORT/metrics has them
    in the format that the client accepts. It goes on while no controller runs, and recon_up is 0
    then. Port 0 takes any that is free.
    """
    one_of("--output", output, tuple(_FORMATS))
    place = where(manifests, state_dir)
    client = controller.client_of(place)
    if listen is not None:
        _serve(*address_of(listen), client)
    else:
        _print(client, _FORMATS[output])
    return OK


def _print(client: Client, accept: str) -> None:
    from reconciler.api.metrics.text import text_of  # noqa: PLC0415  prometheus_client

    text, _ = text_of(client.metrics(), accept)
    sys.stdout.write(text.decode())


def _serve(host: str, port: int, client: Client) -> None:
    import asyncio  # noqa: PLC0415  who prints once needs none of it

    from reconciler.api.metrics.exporter import serve  # noqa: PLC0415

    listeners = listen_on(host, port)
    for place in map(place_of, listeners):
        print(f"metrics are at http://{place}/metrics", flush=True)
    public = [place_of(one) for one in listeners if not is_loopback(one)]
    if public:
        print(f"recon: {_PUBLIC.format(place=public[0])}", file=sys.stderr, flush=True)
    asyncio.run(serve(listeners, client))
