"""The recon that is measured: the installed one, its directories its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from e2e.harness import Recon
from tests.waiting import until

_START = 180.0


class Subject(Recon):
    """A recon whose controller may need longer to start than a test's."""

    def __init__(self, home: Path, program: Path) -> None:
        home.mkdir(parents=True)
        super().__init__(home)
        self.program = program

    @property
    def pid(self) -> int:
        assert self.controller is not None
        return self.controller.pid

    def run(self) -> subprocess.Popen[bytes]:
        """Start the controller; returns when it has looked at everything once."""
        with self.output.open("ab") as output:
            self.controller = subprocess.Popen(
                [self.program, "run"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment,
            )
        controller = self.controller
        until(lambda: self._listens() or controller.poll() is not None, _START, "the controller")
        assert controller.poll() is None, self.output.read_text()
        return controller

    def leave(self) -> None:
        """End the controller; what it started runs on."""
        assert self.controller is not None
        self.controller.terminate()
        self.controller.wait()

    def seconds(self, *arguments: str) -> float:
        """Wall time of one run of `recon`."""
        began = time.monotonic()
        done = subprocess.run(
            [self.program, *arguments], capture_output=True, check=False, env=self.environment
        )
        took = time.monotonic() - began
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
        return took

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(os.fspath(self.state / "recon.sock"))
            except OSError:
                return False
        return True


@contextmanager
def running(home: Path, program: Path) -> Iterator[Subject]:
    """A recon with a controller and no manifests; at the end nothing of it is left."""
    subject = Subject(home, program)
    try:
        subject.run()
        yield subject
    finally:
        subject.close()


def manifest(name: str, command: list[str], **spec: Any) -> str:
    """A manifest's text, of the length that such files have."""
    return (
        f"apiVersion: recon/v1\nkind: App\nmetadata:\n  name: {name}\nspec:\n"
        f"  command: {json.dumps(command)}\n"
        + "".join(f"  {field}: {json.dumps(value)}\n" for field, value in spec.items())
    )


def replace_file(path: Path, text: str) -> None:
    """As most editors and all deploy tools write: beside it, then renamed over it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.rename(path)
