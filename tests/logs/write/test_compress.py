"""Rotated logs are compressed; what only looks like one is left as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.logs.write.compress import tidy
from reconciler.model.spec.logs import Rotate


@pytest.mark.parametrize("size", [1 << 30, 8 << 40])
def test_a_sparse_file_with_the_name_of_a_rotated_log_is_not_read(
    tmp_path: Path, size: int
) -> None:
    sparse = tmp_path / "x.log.20991124-000000-000000"
    sparse.touch()
    os.truncate(sparse, size)
    (tmp_path / "x.log.20261124-000000-000000").write_text("a line\n" * 10_000)
    tidy(str(tmp_path / "x.log"), Rotate(compress=True))
    assert sparse.stat().st_size == size
    packed, left = sorted(file.name for file in tmp_path.iterdir())
    assert packed.startswith("x.log.20261124-000000-000000.") and left == sparse.name
