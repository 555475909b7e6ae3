"""The same small site for each kind of Python server."""

from __future__ import annotations

SITE = """\
import os
BODY = f"{os.environ.get('GREETING', 'hello')} {os.getpid()}".encode()
LENGTH = str(len(BODY))
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": kind + ".complete"})
            if kind == "lifespan.shutdown":
                return
    headers = [(b"content-length", LENGTH.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})
def wsgi(environ, start):
    start("200 OK", [("Content-Length", LENGTH)])
    return [BODY]
"""
