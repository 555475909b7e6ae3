"""Every byte of a program's output gets into its log exactly once."""

from __future__ import annotations

import asyncio
import base64
import json
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

from reconciler.logs.format import lines
from reconciler.logs.format.lines import Carry, render
from reconciler.logs.write import fifo, logfile, write_ahead
from reconciler.logs.write.capture import Capture
from reconciler.logs.write.write_ahead import Header
from reconciler.model.spec.logs import Logs, Rotate
from reconciler.model.state.observed import Tag

ROOT = Path(__file__).parents[3]
TAG = Tag("store", "app", 0, "0123456789ab.-", "nonce")
OTHER = Tag("store", "app", 1, "0123456789ab.-", "other")
STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")


def read_all(state: Path, stamped: bool, path: Path | None = None) -> list[bytes]:
    """The lines of the log, over its rotations, without the times (each of which is checked)."""
    path = path or logfile.log_path(state, "app", 0, "out")
    text = b"".join(file.read_bytes() for file in [*logfile.rotated(path), path] if file.exists())
    found = text.split(b"\n")
    assert found.pop() == b""
    if not stamped:
        return found
    assert [line for line in found if not STAMP.match(line)] == []
    return [line[25:] for line in found]


def logs_of(*, timestamps: bool, size: int, **other: Any) -> Logs:
    rotate = Rotate(size=size, keep=100_000, compress=False)
    return Logs(timestamps=timestamps, rotate=rotate, **other)


@given(
    pieces=st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"z", b"\n")), max_size=12),
    longest=st.integers(0, 10),
)
def test_the_rendered_text_does_not_depend_on_where_the_chunks_were_cut(
    pieces: list[bytes], longest: int
) -> None:
    whole, carry = b"", Carry()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MAX_CARRY", longest)
        for piece in [*pieces, b"\n"]:
            text, carry = render(carry.text + piece, b"<t>", carry.midline)
            whole += text
    assert not carry
    written = b"".join([*pieces, b"\n"]).split(b"\n")[:-1]
    assert whole == b"".join(b"<t>" + line + b"\n" for line in written)


@given(
    pieces=st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"z", b"\n")), max_size=12),
    longest=st.integers(0, 10),
    style=st.sampled_from(["cut", "json"]),
)
def test_a_cut_line_is_whole_lines_wherever_the_chunks_were_cut(
    pieces: list[bytes], longest: int, style: lines.Style
) -> None:
    before = b'{"app":"a",' if style == "json" else b"<t>"
    said, whole, carry = [], b"", Carry()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MAX_CARRY", longest)
        for piece in [*pieces, b"\n"]:
            text, carry = render(carry.text + piece, before, carry.midline, style)
            assert text[-1:] in (b"\n", b""), "others may write here now"
            whole += text
    assert not carry
    for line in whole.splitlines() if style == "json" else whole.split(b"\n")[:-1]:
        assert line.startswith(before)
        said.append(json_message(line) if style == "json" else line[len(before) :])
    wanted = b"".join([*pieces, b"\n"])
    wanted_lines = wanted.split(b"\n")[:-1]
    if max(map(len, wanted_lines)) <= longest:  # then nothing needed to be cut
        assert said == wanted_lines
    assert b"".join(said) == wanted.replace(b"\n", b"")


def json_message(line: bytes) -> bytes:
    found = json.loads(line)
    if "base64" in found:
        return base64.b64decode(found["base64"])
    return str(found["message"]).encode()


@given(st.integers(0, write_ahead.PAGE), st.binary(min_size=1, max_size=9))
def test_a_torn_header_is_no_header(at: int, junk: bytes) -> None:
    page = Header("/log", 1, 2, "stamp ", "/carry").page()
    assert Header.parse(page) == Header("/log", 1, 2, "stamp ", "/carry")
    torn = (page[:at] + junk + page[at + len(junk) :])[: write_ahead.PAGE]
    assert Header.parse(torn) is None or torn == page
    assert Header.parse(page[:at]) is None or at == write_ahead.PAGE


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
@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("size", [1, 10**9])
def test_a_crash_at_any_system_call_loses_doubles_and_tears_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    timestamps: bool,
    torn: bool,
    size: int,
    merge: bool,
) -> None:
    logs = logs_of(timestamps=timestamps, size=size, merge=merge)
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
        patch.setattr(write_ahead, "os", crashing)
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
    if logs.stdout is not None:
        logs = located(logs, tmp_path)
    tags = TAG if logs.stdout is None else f"{TAG},{OTHER}"
    command = [sys.executable, str(Path(__file__).with_name("capture_runner.py"))]
    process = subprocess.Popen(
        [*command, str(tmp_path), str(tags), logs.model_dump_json(by_alias=True)],
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
    kill_many(tmp_path, runner, logs, [TAG])
    said = read_all(tmp_path, bool(logs.timestamps))
    check(said, logfile.log_path(tmp_path, "app", 0, "err").read_bytes().split()[-1])


@pytest.mark.parametrize(
    "runner",
    [
        logs_of(timestamps=False, size=200_000, stdout="/any"),
        logs_of(timestamps=False, size=10**9, stdout="/any", format="json"),
    ],
    indirect=True,
    ids=["text", "json"],
)
def test_nor_where_two_instances_with_both_streams_write_to_one_file(
    tmp_path: Path, runner: subprocess.Popen[str], request: pytest.FixtureRequest
) -> None:
    logs = request.node.callspec.params["runner"]
    kill_many(tmp_path, runner, located(logs, tmp_path), [TAG, OTHER])
    found = read_all(tmp_path, False, tmp_path / "one.log")
    if logs.format == "json":
        objects = [json.loads(line) for line in found]
        assert {one["stream"] for one in objects} == {"stdout", "stderr"}
        of = {(0, b"A"), (1, b"B")}
        assert {(one["instance"], one["message"][:1].encode()) for one in objects} == of
        found = [one["message"].encode() for one in objects]
    for sign in (b"A", b"B"):
        mine = [line[1:] for line in found if line.startswith(sign)]
        [count] = [line for line in mine if line.startswith(b"count ")]
        check([line for line in mine if line != count], count.split()[-1])
    assert {line[:1] for line in found} == {b"A", b"B"}, "no line within another"


def located(logs: Logs, folder: Path) -> Logs:
    return logs.model_copy(update={"stdout": str(folder / "one.log"), "merge": True})


def check(said: list[bytes], count: bytes) -> None:
    """All lines of one flood are there, and in their order."""
    *first, last = said
    expected = [b"%d:%s" % (number, b"x" * (number % 97)) for number in range(len(first))]
    assert last == b"last" and first == expected
    assert int(count) == len(first) > 1_000  # a flood, on a loaded machine too


def kill_many(state: Path, runner: subprocess.Popen[str], logs: Logs, tags: list[Tag]) -> None:
    """200 controllers are killed while floods are read; the next one reads what is left."""
    chance = random.Random(4711)
    programs, ends = [], []
    try:
        for tag, sign in zip(tags, "AB", strict=False):
            path = {one: state / "fifo" / str(fifo.name_of(tag, one)) for one in fifo.STREAMS}
            out, err = fifo.create(path["out"]), fifo.create(path["err"])
            ends += [out, err]
            code = FLOOD if len(tags) == 1 else signed(sign)
            programs.append(subprocess.Popen([sys.executable, "-c", code], stdout=out, stderr=err))
        for _ in range(200):
            run_and_kill(runner, chance.uniform(0.0, 0.02))
        asyncio.run(_read_to_the_end(state, logs, programs, tags))
    finally:
        for program in programs:
            program.kill()
            program.wait()
        for end in ends:
            os.close(end)


def signed(sign: str) -> str:
    """The flood with a sign before each line."""
    code = FLOOD.replace('b"%d:', f'b"{sign}%d:').replace('b"last', f'b"{sign}last')
    return code.replace('b"%d" % number', f'b"{sign}count %d" % number')


async def _read_to_the_end(
    state: Path, logs: Logs, programs: list[subprocess.Popen[bytes]], tags: list[Tag]
) -> None:
    capture = Capture(state, asyncio.get_running_loop(), on_trouble=lambda *_: None)
    capture.recover()
    for tag, program in zip(tags, programs, strict=True):
        capture.attach(tag, logs)
        program.terminate()
    for program in programs:
        while program.poll() is None:
            await asyncio.sleep(0)
    for tag in tags:
        capture.detach(tag.nonce)
    capture.close()
