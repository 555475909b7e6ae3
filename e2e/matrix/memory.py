"""What happens to the state directory while a controller uses it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from e2e.harness import Recon


@contextmanager
def locked(recon: Recon) -> Iterator[None]:
    with closing(sqlite3.connect(recon.state / "recon.db", timeout=30)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield
        db.rollback()


@contextmanager
def corrupt(recon: Recon) -> Iterator[None]:
    """Its first pages are overwritten while the controller runs."""
    with (recon.state / "recon.db").open("r+b") as file:
        file.write(b"\xa5" * 16384)
    log = recon.state / "recon.db-wal"
    if log.exists():
        os.truncate(log, 0)
    yield


@contextmanager
def database_deleted(recon: Recon) -> Iterator[None]:
    for path in recon.state.glob("recon.db*"):
        path.unlink()
    yield


@contextmanager
def state_deleted(recon: Recon) -> Iterator[None]:
    shutil.rmtree(recon.state)
    yield


@contextmanager
def fifos_deleted(recon: Recon) -> Iterator[None]:
    for folder in recon.fifos:
        shutil.rmtree(folder, ignore_errors=True)
    yield


@contextmanager
def second_controller(recon: Recon) -> Iterator[None]:
    """Another one tries the same state directory; it must be refused."""
    assert "already runs" in recon.cli("run", code=1)
    yield


@contextmanager
def elsewhere(recon: Recon) -> Iterator[None]:
    """Another controller, which knows nothing of this one's state directory."""
    home = recon.manifests.parent / "elsewhere"
    home.mkdir()
    other = Recon(home)
    other.environment["RECON_MANIFESTS"] = str(recon.manifests)
    try:
        other.run()
        yield
    finally:
        other.close()
