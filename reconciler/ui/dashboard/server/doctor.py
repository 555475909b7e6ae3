"""The findings of `recon doctor`: a program of its own, since it reads all manifests, and looks at
much of the host. Run when the page of the host is opened, and not again within ``_FRESH``."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Any

_FRESH = 60.0
_PATIENCE = 30.0


class Doctor:
    """Runs the command and remembers what it found. Thread-safe; blocks while it runs."""

    def __init__(self, command: Sequence[str] = ()) -> None:
        self._command = [*command]
        self._turn = threading.Lock()
        self._findings: list[dict[str, Any]] | None = None
        self._until = float("-inf")

    def findings(self) -> list[dict[str, Any]] | None:
        """What it found last; None where it cannot be run, or does not answer in time."""
        with self._turn:
            if self._command and time.monotonic() > self._until:
                self._findings = self._run()
                self._until = time.monotonic() + _FRESH
            return self._findings

    def _run(self) -> list[dict[str, Any]] | None:
        try:
            done = subprocess.run(
                self._command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE,
                check=False,
            )
            return list(json.loads(done.stdout)["findings"])
        except (
            OSError,
            subprocess.TimeoutExpired,
            ValueError,
            KeyError,
            TypeError,
            RecursionError,
        ):
            return None
