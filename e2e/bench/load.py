"""wrk: a load of requests in a process of its own, and what came of it."""

from __future__ import annotations

import re
import signal
import subprocess
from typing import NamedTuple

_LONG = "600s"
_THREADS, _CONNECTIONS = 1, 32


class Outcome(NamedTuple):
    """All requests of one load."""

    requests: int
    failed: int
    """Refused, reset, timed out, or answered with something else than 2xx or 3xx."""
    per_second: float


class Wrk:
    """Runs until ``end``."""

    def __init__(self, port: int, *, keep_alive: bool, seconds: float | None = None) -> None:
        command = ["wrk", f"-t{_THREADS}", f"-c{_CONNECTIONS}", "--timeout", "10s"]
        command += ["-d", f"{seconds:g}s" if seconds else _LONG]
        command += [] if keep_alive else ["-H", "Connection: close"]
        command.append(f"http://127.0.0.1:{port}/")
        self._endless = seconds is None
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def end(self) -> Outcome:
        """Have it end (unless it was given its time) and count."""
        if self._endless:
            self._process.send_signal(signal.SIGINT)
        text, _ = self._process.communicate(timeout=120)
        kinds = r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)"
        errors = re.search(kinds, text)
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        total = re.search(r"(\d+) requests in", text)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
        assert total and rate, text
        failed = sum(map(int, errors.groups())) if errors else 0
        failed += int(refused[1]) if refused else 0
        return Outcome(int(total[1]), failed, float(rate[1]))
