"""A program that takes its sockets by systemd's protocol: the way of Go, Rust and C programs.

Go: `activation.Listeners()` of github.com/coreos/go-systemd. Rust: the crate listenfd. C:
sd_listen_fds(3). It serves every descriptor alike, so its private socket answers recon's probes.
"""

import os
import signal
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

FIRST = 3


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    def do_GET(self) -> None:
        body = f"{os.environ.get('GREETING', 'hello')} {os.getpid()}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: a load of requests is no news."""


class Server(socketserver.ThreadingMixIn, socketserver.BaseServer):
    """Serves a socket that somebody else bound."""

    daemon_threads = False  # what is in flight is finished before the process ends
    block_on_close = True

    def __init__(self, fd: int) -> None:
        super().__init__(("", 0), Handler)
        self.socket = socket.socket(fileno=fd)
        self.socket.setblocking(False)  # another instance may be quicker
        self.socket.listen(4096)

    def fileno(self) -> int:
        return self.socket.fileno()

    def get_request(self) -> tuple[socket.socket, Any]:
        client, address = self.socket.accept()
        client.setblocking(True)
        return client, address or ("", 0)

    def shutdown_request(self, request: Any) -> None:
        request.close()


def main() -> None:
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        raise SystemExit("no sockets were handed over; declare `sockets` in the manifest")
    count = int(os.environ["LISTEN_FDS"])
    servers = [Server(fd) for fd in range(FIRST, FIRST + count)]
    threads = [threading.Thread(target=one.serve_forever, args=(0.05,)) for one in servers]
    for thread in threads:
        thread.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    for server in servers:
        server.shutdown()
    for server in servers:
        server.server_close()


if __name__ == "__main__":
    # Before any thread: all of them leave these to `sigwait`.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
