"""Where a run directory is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.system.files import rundir


def test_roots_is_one_and_a_users_is_the_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert rundir.run_dir({"XDG_RUNTIME_DIR": str(tmp_path)}) == Path("/run/recon")
    monkeypatch.undo()
    uid = tmp_path.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert rundir.run_dir({"XDG_RUNTIME_DIR": str(tmp_path)}) is None, "it is another's"
    os.chown(tmp_path, uid, -1) if os.getuid() == 0 else pytest.skip("only root gives it away")
    assert rundir.run_dir({"XDG_RUNTIME_DIR": str(tmp_path)}) == tmp_path / "recon"
    tmp_path.chmod(0o777)
    assert rundir.run_dir({"XDG_RUNTIME_DIR": str(tmp_path)}) is None, "others can write there"
    assert rundir.run_dir({"XDG_RUNTIME_DIR": "relative"}) is None
