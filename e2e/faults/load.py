"""A client that asks all the time, with a new connection each time: none may be refused or cut."""

from __future__ import annotations

import socket
import threading
import time

_PAUSE = 0.01
_PATIENCE = 30.0
_REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Load:
    """Steady requests to a port and a unix socket, by turns, from a thread of its own."""

    def __init__(self, port: int, path: str) -> None:
        self._places: list[tuple[socket.AddressFamily, tuple[str, int] | str]] = [
            (socket.AF_INET, ("127.0.0.1", port)),
            (socket.AF_UNIX, path),
        ]
        self.answered = 0
        self.faults: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        self._thread.start()

    def close(self) -> None:
        """Ask no more; returns when the last answer is there."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_PAUSE):
            for family, address in self._places:
                began = time.monotonic()
                try:
                    self._ask(family, address)
                    self.answered += 1
                except OSError as error:
                    took = time.monotonic() - began
                    self.faults.append(f"request to {address}: {error!r} after {took:.2f} s")

    def _ask(self, family: socket.AddressFamily, address: tuple[str, int] | str) -> None:
        with socket.socket(family) as client:
            client.settimeout(_PATIENCE)
            client.connect(address)
            client.sendall(_REQUEST)
            answer = b""
            while piece := client.recv(4096):
                answer += piece
            if not answer.startswith(b"HTTP/1.1 200"):
                raise ConnectionAbortedError(f"no whole answer: {answer!r}")
