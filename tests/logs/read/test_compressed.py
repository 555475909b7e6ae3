"""A compressed log that is damaged: what is whole in it is shown, where it stood."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from reconciler.logs.format import frames
from reconciler.logs.read import compressed, search
from reconciler.logs.read.files import find

LINE = b"2026-11-24T03:15:00.000Z line %07d\n"
COUNT = 3 * frames.BLOCK // len(LINE % 0)
CONTENT = b"".join(LINE % n for n in range(COUNT))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory whose only log was rotated, in three frames."""
    folder = tmp_path / "logs/web"
    folder.mkdir(parents=True)
    packed = io.BytesIO()
    frames.pack(io.BytesIO(CONTENT), packed)
    (folder / "0.out.log").write_bytes(b"")
    (folder / f"0.out.log.20261124-031600-000000{frames.suffix()}").write_bytes(packed.getvalue())
    return tmp_path


def damage(state: Path, share: float, byte: int = 0xFF) -> None:
    (path,) = (state / "logs/web").glob("*-*")
    data = bytearray(path.read_bytes())
    data[int(len(data) * share)] ^= byte
    path.write_bytes(data)


def texts(state: Path, lines: int | None) -> list[str]:
    return [line.text for line in search.tail(find(state, ["web"]), lines=lines)]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_one_damaged_frame_costs_its_own_lines_only(state: Path, share: float) -> None:
    whole = texts(state, None)
    damage(state, share)
    found = [text for text in texts(state, None) if text.startswith("line ")]
    assert len(whole) == COUNT
    assert 0.6 * COUNT < len(found) < 0.7 * COUNT
    assert set(found) < set(whole)
    newest = texts(state, 3)
    assert newest[-1] == whole[-1] or share == 0.9


def test_a_frame_that_unpacks_to_more_than_it_says_takes_no_more(tmp_path: Path) -> None:
    """A few KiB could become gigabytes."""
    bomb = io.BytesIO()
    frames.pack(io.BytesIO(bytes(frames.BLOCK)), bomb)
    data = bytearray(bomb.getvalue())
    if frames.suffix() == ".gz":
        data[20:24] = (10).to_bytes(4, "little")
        path = tmp_path / "x.gz"
        path.write_bytes(data)
        with compressed.opened(path) as source:
            assert source is not None and source.size == 10
            assert len(source.read(100, 0)) == 10
        assert len(compressed._unpack_gzip(bytes(data), 10)) <= 11


def test_a_frame_longer_than_recon_writes_is_not_one(tmp_path: Path) -> None:
    assert compressed._as_written(100, frames.BLOCK) == (100, frames.BLOCK)
    assert compressed._as_written(100, frames.BLOCK + 1) is None
    assert compressed._as_written(3, 10) is None, "a file of these would be millions of frames"
