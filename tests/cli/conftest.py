"""``recon`` in this process, on directories of the test's own; what it started is ended."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.api.client import Client
from reconciler.api.errors import ClientError
from reconciler.cli.main import run
from tests.waiting import until

ROOT = Path(__file__).parents[2]
MANIFEST = """\
apiVersion: recon/v1
kind: App
metadata: {{name: {name}, labels: {{tier: {tier}}}}}
spec:
  command: {command}
  terminationGracePeriodSeconds: 5   # short
"""


@dataclass
class Done:
    code: int
    out: str
    err: str


@dataclass
class Cli:
    manifests: Path
    state: Path
    capture: pytest.CaptureFixture[str]

    def __call__(self, *words: str | Path) -> Done:
        """Run a verb."""
        self.capture.readouterr()
        code = run([str(word) for word in words])
        return Done(code, *self.capture.readouterr())

    def app(self, name: str, command: str = "[sleep, '1000']", tier: str = "api") -> Path:
        """Write the manifest of one app."""
        path = self.manifests / f"{name}.yaml"
        path.write_text(MANIFEST.format(name=name, command=command, tier=tier))
        return path

    @property
    def client(self) -> Client:
        return Client(self.state / "recon.sock")


@pytest.fixture
def cli(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cli]:
    for name in [name for name in os.environ if name.startswith("RECON_")]:
        monkeypatch.delenv(name)
    made = Cli(tmp_path / "manifests", tmp_path / "state", capsys)
    made.manifests.mkdir()
    monkeypatch.setenv("RECON_MANIFESTS", str(made.manifests))
    monkeypatch.setenv("RECON_STATE_DIR", str(made.state))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    try:
        yield made
    finally:
        _stop(made.client)


def _stop(client: Client) -> None:
    """Stop everything a test started; a controller that does not answer is killed."""
    try:
        pid = int(client.version()["pid"])
    except ClientError:
        return
    controller = os.pidfd_open(pid)
    try:
        client.down()
        # Until its very end: what it cleared away last it would leave behind.
        until(lambda: select.select([controller], [], [], 0)[0], what="the controller has left")
    finally:
        try:
            signal.pidfd_send_signal(controller, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.close(controller)
