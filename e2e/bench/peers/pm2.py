"""PM2, with a home and so a daemon of its own."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, ClassVar

from e2e.harness import end


class Pm2:
    name: ClassVar[str] = "PM2"
    needs: ClassVar[tuple[str, ...]] = ("pm2",)

    def __init__(self, home: Path, program: str = "pm2") -> None:
        self.home = home
        self.program = program
        home.mkdir(parents=True)
        own = {"PM2_HOME": str(home / "pm2"), "PM2_DISCRETE_MODE": "true"}
        self.environment = {**os.environ, **own}

    @property
    def pid(self) -> int:
        """Of its daemon."""
        return int((self.home / "pm2/pm2.pid").read_text())

    def supervise(
        self, program: Path, stamps: Path, more: tuple[str, ...] = (), **options: Any
    ) -> None:
        """``more`` arguments for the program; ``options`` as in an ecosystem file."""
        app = {
            "name": "app",
            "script": str(program),
            "args": [str(stamps), *more],
            "interpreter": "none",
            "exec_mode": "fork",
            # It gives up after 16 quick restarts otherwise.
            "max_restarts": 1_000_000,
            "min_uptime": 100,  # the least that it takes
            **options,
        }
        config = self.home / "ecosystem.config.json"
        config.write_text(json.dumps({"apps": [app]}))
        self._pm2("start", str(config))

    def cluster(self, script: Path, instances: int, env: dict[str, str]) -> None:
        """A Node program in its cluster mode."""
        app = {"name": "app", "script": str(script), "instances": instances}
        config = self.home / "ecosystem.config.json"
        config.write_text(json.dumps({"apps": [{**app, "exec_mode": "cluster", "env": env}]}))
        self._pm2("start", str(config))

    def reload(self, name: str = "app") -> None:
        """Its update, without a gap in cluster mode; returns when it is done."""
        self._pm2("reload", name)

    def status_seconds(self) -> float:
        """Wall time of `pm2 ls`."""
        began = time.monotonic()
        self._pm2("ls")
        return time.monotonic() - began

    def close(self) -> None:
        try:
            self._pm2("kill")
        finally:
            end(self._is_ours)

    def _is_ours(self, pid: int) -> bool:
        """Its daemon, and whatever that started, have its home in their environment."""
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        return f"PM2_HOME={self.environment['PM2_HOME']}\0".encode() in environment

    def _pm2(self, *arguments: str) -> None:
        subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=120,
        )
