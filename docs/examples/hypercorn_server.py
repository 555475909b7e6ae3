"""hypercorn on the socket that recon hands over; no request is lost when it is replaced.

    command: [python, hypercorn_server.py, "site:app"]

`hypercorn --bind fd://3 site:app` serves as well. But when it is told to stop, it closes
connections whose request it has not read yet. This accepts no more, answers what still comes with
`Connection: close`, and after a quiet second lets hypercorn end.
"""

import asyncio
import importlib
import signal
import sys
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

told_to_stop = asyncio.Event()


def closing(app: Any) -> Any:
    """The ASGI application, each of whose answers is a connection's last once it is to stop."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            if told_to_stop.is_set() and message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
            await send(message)

        await app(scope, receive, told)

    return wrapped


async def drained() -> None:
    """hypercorn ends when this returns."""
    await told_to_stop.wait()
    asyncio.get_running_loop().remove_reader(3)  # accept no more
    await asyncio.sleep(1)


async def main() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told_to_stop.set)
    module, _, name = sys.argv[1].partition(":")
    app = getattr(importlib.import_module(module), name)
    config = Config()
    config.bind = ["fd://3"]
    await serve(closing(app), config, shutdown_trigger=drained)


if __name__ == "__main__":
    sys.path.insert(0, ".")
    asyncio.run(main())
