"""Which unit starts recon for a state directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.cli.boot import unit
from reconciler.cli.framework.options import Where
from reconciler.state.paths import StatePaths

HERE = Where(Path("/etc/recon/manifests"), StatePaths(Path("/var/lib/recon")))


def test_the_unit_of_a_package_counts_once_it_is_enabled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, packaged = tmp_path / "etc", tmp_path / "lib"
    (system / "multi-user.target.wants").mkdir(parents=True)
    packaged.mkdir()
    (packaged / "recon.service").write_text("[X-Recon]\nStateDir=/var/lib/recon\n")
    monkeypatch.setattr(unit, "SYSTEM", system)
    monkeypatch.setattr(unit, "PACKAGED", packaged)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os.path, "isdir", lambda _path: True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert unit.service_of(HERE) is None
    wanted = system / "multi-user.target.wants/recon.service"
    wanted.symlink_to(packaged / "recon.service")
    assert unit.service_of(HERE) == ["systemctl"]
