"""A callback that takes long is noted where the environment asks for it, and nowhere else."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from reconciler.api.daemon.callbacks import SWITCH, Callbacks


def _busy() -> None:
    until = time.thread_time() + 0.06
    while time.thread_time() < until:
        pass


@pytest.mark.parametrize("asked", [True, False])
def test_long_callbacks_are_noted_with_what_the_controller_was_at(
    asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.events.Handle, "_run", asyncio.events.Handle._run)
    notes = tmp_path / "long"
    if asked:
        monkeypatch.setenv(SWITCH, str(notes))
    else:
        monkeypatch.delenv(SWITCH, raising=False)
    callbacks = Callbacks()

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for act in (_busy, callbacks.loaded, _busy, lambda: None):
            loop.call_soon(act)
        await asyncio.sleep(0.01)

    asyncio.run(run())
    lines = notes.read_text().splitlines() if notes.exists() else []
    assert [line.split()[0] for line in lines] == (["loading", "running"] if asked else [])
    assert all("_busy" in line for line in lines)
