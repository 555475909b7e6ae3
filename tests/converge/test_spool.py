"""Every byte of a program's output gets into its log exactly once."""

from __future__ import annotations

import asyncio
import os
import random
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge import fifo, logfile, spool
from reconciler.converge.capture import Capture
from reconciler.converge.spool import Carry, Header, render
from reconciler.model.logs import Logs, Rotate
from reconciler.model.observed import Tag

ROOT = Path(__file__).parents[2]
TAG = Tag("store", "app", 0, "0123456789ab.-", "nonce")
STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")


def read_all(state: Path, stamped: bool) -> list[bytes]:
    """The lines of the log, over its rotations, without the times (each of which is checked)."""
    path = logfile.log_path(state, "app", 0, "out")
    text = b"".join(file.read_bytes() for file in [*logfile.rotated(path), path] if file.exists())
    lines = text.split(b"\n")
    assert lines.pop() == b""
    if not stamped:
        return lines
    assert [line for line in lines if not STAMP.match(line)] == []
    return [line[25:] for line in lines]


def logs_of(*, timestamps: bool, size: int) -> Logs:
    return Logs(timestamps=timestamps, rotate=Rotate(size=size, keep=100_000, compress=False))


@given(
    pieces=st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"z", b"\n")), max_size=12),
    longest=st.integers(0, 10),
)
def test_the_rendered_text_does_not_depend_on_where_the_chunks_were_cut(
    pieces: list[bytes], longest: int
) -> None:
    whole, carry = b"", Carry()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "MAX_CARRY", longest)
        for piece in [*pieces, b"\n"]:
            text, carry = render(carry.text + piece, b"<t>", carry.midline)
            whole += text
    assert not carry
    lines = b"".join([*pieces, b"\n"]).split(b"\n")[:-1]
    assert whole == b"".join(b"<t>" + line + b"\n" for line in lines)


@given(st.integers(0, spool.PAGE), st.binary(min_size=1, max_size=9))
def test_a_torn_header_is_no_header(at: int, junk: bytes) -> None:
    page = Header("/log", 1, 2, "stamp ", "/carry").page()
    assert Header.parse(page) == Header("/log", 1, 2, "stamp ", "/carry")
    torn = (page[:at] + junk + page[at + len(junk) :])[: spool.PAGE]
    assert Header.parse(torn) is None or torn == page
    assert Header.parse(page[:at]) is None or at == spool.PAGE


class Crash(BaseException):
    """Stands for SIGKILL: no handler of errors sees it."""


class CrashingOs:
    """``os``, with the controller dying right before or after its n-th call."""

    CALLS = frozenset({"open", "pwrite", "splice", "pread", "write", "ftruncate", "fstat"})

    def __init__(self, fatal: int, *, torn: bool) -> None:
        self.left = fatal
        self.torn = torn

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self.counted(name, real) if name in self.CALLS else real

    def counted(self, name: str, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left < 0 and name == "write" and self.torn:
                real(args[0], args[1][: len(args[1]) // 2])
            if self.left < 0:
                raise Crash
            return real(*args, **kwargs)

        return call


SAID = [b"one\ntwo\nthr", b"ee\nfour\n", b"fi", b"ve", b"\nsix\nseven", b"\n"]


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("timestamps", [False, True])
@pytest.mark.parametrize("size", [1, 10**9])
def test_a_crash_at_any_system_call_loses_doubles_and_tears_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timestamps: bool, torn: bool, size: int
) -> None:
    logs = logs_of(timestamps=timestamps, size=size)
    crashes = 0
    for fatal in range(10_000):
        state = tmp_path / str(fatal)
        crashed = asyncio.run(_crash_once(state, logs, CrashingOs(fatal, torn=torn), monkeypatch))
        assert read_all(state, timestamps) == [
            b"one", b"two", b"three", b"four", b"five", b"six", b"seven",
        ]  # fmt: skip
        crashes += crashed
        if not crashed:
            break
    assert crashes > 30


async def _crash_once(
    state: Path, logs: Logs, crashing: CrashingOs, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Controllers read what is said piece by piece; the first dies at one of its calls."""
    loop = asyncio.get_running_loop()
    capture = Capture(state, loop, on_trouble=lambda *_: None)
    streams = capture.open(TAG)
    capture.attach(TAG, logs)
    crashed = False
    with monkeypatch.context() as patch:
        patch.setattr(spool, "os", crashing)
        for piece in SAID:
            os.write(streams.stdout, piece)
            try:
                while fifo.waiting(streams.stdout):
                    capture._read(capture._nonces[TAG.nonce][0])
            except Crash:
                crashed = True
                patch.undo()
                capture = await _next_controller(state, logs, capture)
    capture.detach(TAG.nonce)
    streams.close()
    capture.close()
    return crashed


async def _next_controller(state: Path, logs: Logs, dead: Capture) -> Capture:
    dead.close()
    capture = Capture(state, asyncio.get_running_loop(), on_trouble=lambda *_: None)
    capture.recover()
    capture.attach(TAG, logs)
    return capture


FLOOD = r"""
import os, select, signal, sys
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
number, text = 0, b""
while not stop:
    while len(text) < 30_011:
        text += b"%d:%s\n" % (number, b"x" * (number % 97))
        number += 1
    text = text[os.write(1, text[:30_011]):]
    select.select([], [], [], 0.001)
os.write(1, text + b"last\n")
os.write(2, b"%d" % number)
"""


@pytest.fixture
def runner(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    logs: Logs = request.param
    command = [sys.executable, str(Path(__file__).with_name("capture_runner.py"))]
    process = subprocess.Popen(
        [*command, str(tmp_path), str(TAG), logs.model_dump_json()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    yield process
    process.communicate()


def run_and_kill(runner: subprocess.Popen[str], seconds: float) -> None:
    """One controller, killed after so many seconds (unless it dies by itself: a failure)."""
    assert runner.stdin is not None and runner.stdout is not None
    runner.stdin.write("\n")
    runner.stdin.flush()
    pid = int(runner.stdout.readline())
    pidfd = os.pidfd_open(pid)
    try:
        died, _, _ = select.select([pidfd], [], [], seconds)
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        assert not died, "the controller died by itself"
        select.select([pidfd], [], [], 10)
    finally:
        os.close(pidfd)


@pytest.mark.parametrize(
    "runner",
    [logs_of(timestamps=True, size=200_000), logs_of(timestamps=False, size=10**9)],
    indirect=True,
    ids=["timestamps-rotated", "plain"],
)
def test_a_controller_killed_200_times_in_a_flood_loses_doubles_and_tears_nothing(
    tmp_path: Path, runner: subprocess.Popen[str], request: pytest.FixtureRequest
) -> None:
    logs = request.node.callspec.params["runner"]
    chance = random.Random(4711)
    path = {stream: tmp_path / "fifo" / str(fifo.name_of(TAG, stream)) for stream in fifo.STREAMS}
    out, err = fifo.create(path["out"]), fifo.create(path["err"])
    program = subprocess.Popen([sys.executable, "-c", FLOOD], stdout=out, stderr=err)
    try:
        for _ in range(200):
            run_and_kill(runner, chance.uniform(0.0, 0.02))
        asyncio.run(_read_to_the_end(tmp_path, logs, program))
    finally:
        program.kill()
        program.wait()
        os.close(out)
        os.close(err)
    *lines, last = read_all(tmp_path, logs.timestamps)
    expected = [b"%d:%s" % (number, b"x" * (number % 97)) for number in range(len(lines))]
    assert last == b"last" and lines == expected
    said = logfile.log_path(tmp_path, "app", 0, "err").read_bytes().split()[-1]
    assert int(said) == len(lines) > 1_000  # a flood, on a loaded machine too


async def _read_to_the_end(state: Path, logs: Logs, program: subprocess.Popen[bytes]) -> None:
    capture = Capture(state, asyncio.get_running_loop(), on_trouble=lambda *_: None)
    capture.recover()
    capture.attach(TAG, logs)
    program.terminate()
    while program.poll() is None:
        await asyncio.sleep(0)
    capture.detach(TAG.nonce)
    capture.close()
