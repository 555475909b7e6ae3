"""Names are read from manifests that are wrong, huge, no files, or far too many."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.cli.completion.declared import documents

APP = "apiVersion: recon/v1\nkind: App\nmetadata: {name: web, labels: {tier: api, n: 1}}\n"


def test_names_labels_and_profiles(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (below / "web.yaml").write_text(
        f"{APP}spec: {{nonsense: 1, profiles: {{dev: {{}}}}}}\n---\n- x\n"
    )
    assert [*documents(str(tmp_path))] == [
        {"kind": "App", "name": "web", "labels": {"tier": "api", "n": "1"}, "profiles": ["dev"]}
    ]


def test_what_is_no_manifest_holds_up_nothing(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(APP)
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "deep.yaml").write_text("[" * 100_000)
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\0")
    (tmp_path / ".hidden.yaml").write_text(APP)
    (tmp_path / "web.yaml~").write_text(APP)
    (tmp_path / "odd.yaml").write_text("metadata: 7\nspec: x\nkind: {}\n")
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "gone.yaml").symlink_to("/nonexistent")
    (tmp_path / "self").symlink_to(tmp_path)
    assert [one["name"] for one in documents(str(tmp_path))] == ["", "web"]
    assert [*documents(str(tmp_path / "nothing"))] == []
