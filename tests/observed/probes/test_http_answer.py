"""What any program may answer to a probe: bounded in bytes, in events and in time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.spec.probe import Probe
from reconciler.observed.probes import http_answer
from reconciler.observed.probes.checks import Result, check
from reconciler.observed.probes.http_answer import BadAnswerError, read_answer

OK = b"HTTP/1.1 200 OK\r\n"
MOST = http_answer._HEAD + http_answer._BODY


class Endless(asyncio.StreamReader):
    """What answers with these blocks, and how much was taken of them."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks  # no loop is needed for them, nor what else a StreamReader has
        self._rest = b""
        self.taken = 0

    async def read(self, n: int = -1) -> bytes:
        block = self._rest or next(self._blocks)
        data, self._rest = block[:n], block[n:]
        self.taken += len(data)
        return data


def read(reader: asyncio.StreamReader) -> int | str:
    """The status of the answer, or the sentence on why there is none."""

    async def asked() -> int | str:
        try:
            return (await read_answer(reader)).status_code
        except (BadAnswerError, EOFError) as error:
            return str(error) or "closed"

    return asyncio.run(asked())


def of(*blocks: bytes) -> Endless:
    """These blocks, then the last one without end."""
    return Endless(chain(blocks, repeat(blocks[-1])))


@pytest.mark.parametrize(
    ("blocks", "sentence"),
    [
        ([OK, b"A: b\r\n"], "longer than 32 KiB"),
        ([OK, b"A: b\r\n" * 50_000], "longer than 32 KiB"),
        ([OK + b"A: ", b"b" * 1000], "longer than 32 KiB"),
        ([b"HTTP/1.1 ", b"2" * 1000], "longer than 32 KiB"),
        ([b"HTTP/1.1 200 ", b"x" * 100_000], "longer than 32 KiB"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n"], "more than 20 answers"),
        ([b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 5000], "more than 20 answers"),
        ([b"<html>", b"no newline, no header: HTTP/0.9 "], "begins with b'<html>'"),
        ([b"S", b"S", b"H-2.0"], "begins with b'S'"),
        ([b"HTTP/2 200\r\n\r\n"], "begins with b'HTTP/2 200"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"], "conflicting"),
        ([OK + b"no colon" * 1000 + b"\r\n\r\n"], "illegal header line"),
        ([b"\r\n"], "begins with"),
    ],
)
def test_an_endless_answer_without_a_verdict_is_refused(blocks: list[bytes], sentence: str) -> None:
    reader = of(*blocks)
    told = read(reader)
    assert isinstance(told, str) and sentence in told
    assert len(told) <= 120
    assert reader.taken <= http_answer._HEAD


@pytest.mark.parametrize(
    "blocks",
    [
        [OK + b"\r\n", b"x" * 100_000],
        [OK + b"Content-Length: 99999999999\r\n\r\n", b"x" * 1000],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n"],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 50_000],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0000000"],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\nno chunk\r\n"],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5;" + b"x" * 9000],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0\r\n", b"A: b\r\n"],
    ],
)
def test_after_the_verdict_no_body_is_too_long_or_too_strange(blocks: list[bytes]) -> None:
    reader = of(*blocks)
    assert read(reader) == 200
    assert reader.taken <= MOST


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 2\r\n\r\nok",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304\r\n\r\n",
        b"HTTP/1.0 200 OK\nServer: bare line feeds\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nFolded: one\r\n two\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_whole_answer_is_not_waited_for_any_more(answer: bytes) -> None:
    """Also where the program keeps the connection open: nothing more is read from it."""
    never: Iterator[bytes] = iter(())
    for at in (len(answer), 1):
        pieces = [answer[n : n + at] for n in range(0, len(answer), at)]
        assert read(Endless(chain(pieces, never))) in (200, 204, 304)


@pytest.mark.parametrize(
    "drip", [b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500, b"HTTP/1.1 100 Continue\r\n\r\n" * 500]
)
def test_an_answer_that_drips_ends_with_the_timeout(drip: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for at in range(len(drip)):
                writer.write(drip[at : at + 1])
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def both() -> tuple[Result, str]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()[:2]
            probe = Probe.model_validate({"httpGet": {"port": port}, "timeoutSeconds": 0.2})
            return await check(probe, 0), f"{host}:{port}"

    result, address = asyncio.run(both())
    assert result == (False, f"no answer from {address} within 0.2 s")


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=20))
def test_no_answer_raises_anything_else(blocks: list[bytes]) -> None:
    read(of(OK, *blocks))
    read(of(*blocks))
