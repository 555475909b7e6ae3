"""Compressed logs are read by everybody's tools, and by us from any point."""

from __future__ import annotations

import gzip
import io
import os
import random
import types
import zlib
from pathlib import Path

import pytest

from reconciler.logs.format import frames
from reconciler.logs.read import compressed

DATA = random.Random(1).randbytes(300_000) * 5


@pytest.mark.parametrize("data", [b"", b"line\n", DATA])
def test_gzip_reads_it(data: bytes) -> None:
    target = io.BytesIO()
    frames.pack(io.BytesIO(data), target)
    assert gzip.decompress(target.getvalue()) == data


@pytest.fixture(params=["gzip", "zstd"])
def suffix(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of Python 3.14's zstd only the frames around it are looked at: zlib stands in for it."""
    if request.param == "zstd":
        fake = types.SimpleNamespace(
            compress=zlib.compress,
            decompress=zlib.decompress,
            ZstdDecompressor=zlib.decompressobj,
            ZstdError=zlib.error,
        )
        monkeypatch.setattr(frames, "_zstd", fake)
        monkeypatch.setattr(compressed, "_zstd", fake)
    return frames.suffix()


def test_it_is_read_from_any_point(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.log.20261124-031500-000000{suffix}"
    with path.open("wb") as target:
        frames.pack(io.BytesIO(DATA), target)
    with compressed.opened(path) as source:
        assert source is not None and source.size == len(DATA)
        for at in (0, 1, frames.BLOCK - 1, frames.BLOCK, len(DATA) - 3, len(DATA)):
            assert source.read(7, at) == DATA[at : at + 7]
        assert source.read(2 * len(DATA), 5) == DATA[5:]


def test_a_file_that_is_compressed_meanwhile_is_found(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "x.log.20261124-031500-000000"
    with path.with_name(path.name + suffix).open("wb") as target:
        frames.pack(io.BytesIO(b"line\n"), target)
    with compressed.opened(path) as source:
        assert source is not None and source.read(9, 0) == b"line\n"


def test_a_torn_one_of_ours_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "x.log.20261124-031500-000000.gz"
    with path.open("wb") as target:
        frames.pack(io.BytesIO(DATA), target)
    os.truncate(path, path.stat().st_size - 1000)
    with compressed.opened(path) as source:
        assert source is not None and source.read(100, 0) == DATA[:100]


def test_zstd_without_pythons_zstd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "_zstd", None)
    path = tmp_path / "x.log.20261124-031500-000000.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(40))
    with pytest.raises(OSError, match=r"needs Python 3\.14"), compressed.opened(path) as source:
        assert source is not None
        source.read(1, 0)
