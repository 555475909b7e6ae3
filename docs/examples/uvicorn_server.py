"""uvicorn on the socket that recon hands over; no request is lost when it is replaced.

    command: [python, uvicorn_server.py, "site:app"]

`uvicorn --fd 3 site:app` serves as well. But when it is told to stop, it closes connections whose
request it has not read yet: some lost requests at each replacement under load. This accepts no
more, answers what still comes with `Connection: close`, and after a quiet second lets uvicorn end.
"""

import asyncio
import sys
from typing import Any

import uvicorn


class Server(uvicorn.Server):
    """uvicorn that ends gently."""

    async def shutdown(self, sockets: Any = None) -> None:
        """Called by uvicorn on SIGTERM."""
        for server in self.servers:
            server.close()
        self.server_state.default_headers.append((b"connection", b"close"))
        await asyncio.sleep(1)
        await super().shutdown(sockets)


if __name__ == "__main__":
    Server(uvicorn.Config(sys.argv[1], fd=3)).run()
