"""supervisord, with its control socket, in the foreground."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import ClassVar

from e2e.bench.peers import child

_CONFIG = """\
[supervisord]
nodaemon=true
logfile={home}/supervisord.log
pidfile={home}/supervisord.pid
childlogdir={home}
minfds=8192
minprocs=100
[unix_http_server]
file={home}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{home}/supervisor.sock
[program:app]
command={program} {stamps}
process_name=%(program_name)s_%(process_num)s
numprocs={count}
autorestart=true
startsecs=0
"""


class Supervisord:
    name: ClassVar[str] = "supervisord"
    needs: ClassVar[tuple[str, ...]] = ("supervisord", "supervisorctl")

    def __init__(self, home: Path) -> None:
        self._home = home
        self._config = home / "supervisord.conf"
        home.mkdir(parents=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    def supervise(self, program: Path, stamps: Path, count: int = 1) -> None:
        """``count`` instances of the program."""
        text = _CONFIG.format(home=self._home, program=program, stamps=stamps, count=count)
        self._config.write_text(text)
        self._process = child.start(["supervisord", "-c", self._config], self._home)

    def status_seconds(self) -> float:
        """Wall time of `supervisorctl status`."""
        began = time.monotonic()
        command: list[str | Path] = ["supervisorctl", "-c", self._config, "status"]
        subprocess.run(command, capture_output=True, check=True)
        return time.monotonic() - began

    def close(self) -> None:
        child.end(self._process)
