"""FIFO names are witnesses; FIFOs lose nothing and fit the user's budget."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.logs.write import fifo
from reconciler.model.host.fifo import STREAMS, FifoName, Stream

WORD = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HASHES = st.from_regex(r"[0-9a-f]{12}\.(-|\?|[0-9a-f]{4}-[0-9a-f]{12})", fullmatch=True)


@given(WORD, st.integers(0, 99_999), HASHES, WORD, st.sampled_from(STREAMS))
def test_name_and_tag_stand_for_each_other(
    app: str, instance: int, hash: str, nonce: str, stream: Stream
) -> None:
    name = FifoName(app, instance, hash, nonce, stream)
    assert FifoName.parse(str(name)) == name
    assert FifoName.parse(f"{name} (deleted)") == name
    assert FifoName.parse(f"{name}.carry") is None


@given(st.text(alphabet="ab01.-/", max_size=30))
def test_what_is_no_name_of_ours_is_none_and_the_rest_reads_back(text: str) -> None:
    name = FifoName.parse(text)
    assert name is None or "/" in text or str(name) == text


PARTS = st.text(alphabet="ab./-", max_size=4)


@given(PARTS, st.integers(-2, 12), PARTS, PARTS, st.sampled_from(STREAMS))
def test_what_is_named_reads_back_and_what_would_not_is_refused(
    app: str, instance: int, hash: str, nonce: str, stream: Stream
) -> None:
    name = FifoName(app, instance, hash, nonce, stream)
    text = f"{app}.{instance}.{hash}.{nonce}.{stream}"
    if "/" not in text and FifoName.parse(text) == name:
        assert str(name) == text
    else:
        with pytest.raises(ValueError, match="cannot be the name"):
            str(name)


def test_a_nonce_with_a_dot_cannot_be_named() -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        str(FifoName("app", 0, "abc.-", "a.b/c", "out"))


def test_a_fifo_is_written_as_long_as_a_process_can_write_to_it(tmp_path: Path) -> None:
    path = tmp_path / "fifo" / "x"
    fd = fifo.create(path)
    assert fifo.is_written(path)
    os.write(fd, b"waits")
    reader = fifo.open_end(path)
    assert fifo.is_written(path)
    os.close(fd)
    assert fifo.waiting(reader) == 5 and not fifo.is_written(path)
    writer = os.open(path, os.O_WRONLY)
    assert fifo.is_written(path)
    os.close(writer)
    assert os.read(reader, 10) == b"waits" and not fifo.is_written(path)
    os.close(reader)
    assert not fifo.is_written(path)


def test_an_ordinary_user_keeps_half_of_the_pipe_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    budget = fifo.Budget()
    fds = [fifo.create(tmp_path / f"{number}") for number in range(200)]
    try:
        for fd in fds:
            budget.grow(fd)
        sizes = [fifo.capacity(fd) for fd in fds]
        assert sizes[0] == fifo.CAPACITY and sizes[-1] == 2**16
        assert sum(size for size in sizes if size > 2**16) <= 32 * 2**20
    finally:
        for fd in fds:
            os.close(fd)
