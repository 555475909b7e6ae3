"""`GET /v1/logs/{app}` on a real controller: back, forth, searched, masked, and followed."""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.harness import Recon
from e2e.programs import SLEEP, numbered, python
from reconciler.api.client import Client
from reconciler.api.errors import ApiError
from reconciler.state.paths import StatePaths
from tests.waiting import until

TALK = (
    "import os, sys, time\n"
    "for n in range(300):\n"
    "    print(f'line {n}', flush=True)\n"
    "print('Trouble', file=sys.stderr, flush=True)\n"
    "print('the key is', os.environ.get('KEY'), flush=True)\n"
    "time.sleep(100000)\n"
)


def client_of(recon: Recon) -> Client:
    return Client(StatePaths(recon.state.resolve()).socket)


@pytest.fixture
def talker(recon: Recon) -> Recon:
    secret = recon.write("key", "correct-horse-battery-7")
    secret.chmod(0o600)
    recon.app("web", python(TALK), env={"KEY": {"secretFile": "key"}})
    recon.run()
    recon.healthy("web")
    until(lambda: "the key is" in " ".join(recon.log("web")), what="all is written")
    return recon


def texts(lines: Iterator[dict[str, Any]]) -> list[str]:
    return [line["line"] for line in lines]


def test_back_by_pages_and_forth_again(talker: Recon) -> None:
    client = client_of(talker)
    newest = [*client.logs("web", lines=10, stream="stdout")]
    assert texts(iter(newest))[:9] == [f"line {n}" for n in range(291, 300)]
    assert {(line["app"], line["instance"], line["stream"]) for line in newest} == {
        ("web", 0, "stdout")
    }
    older = texts(client.logs("web", lines=10, stream="stdout", before=newest[0]["position"]))
    assert older == [f"line {n}" for n in range(281, 291)]
    after = texts(client.logs("web", lines=3, stream="stdout", after=newest[0]["position"]))
    assert after == ["line 292", "line 293", "line 294"]
    assert texts(client.logs("web", stream="stderr")) == ["Trouble"]
    assert texts(client.logs("web", search="TROUB")) == ["Trouble"]
    assert len([*client.logs("web", lines=5000)]) == 302
    assert texts(client.logs("web", until=1.0)) == []


def test_a_secret_is_masked_and_no_search_tells_of_it(talker: Recon) -> None:
    client = client_of(talker)
    assert texts(client.logs("web", lines=1, stream="stdout")) == ["the key is ***"]
    for part in ("correct", "correct-horse-battery-7", "y-7"):
        assert texts(client.logs("web", search=part)) == []
    assert texts(client.logs("web", search="the key")) == ["the key is ***"]


def test_what_is_not_valid_is_refused(talker: Recon) -> None:
    client = client_of(talker)
    wrong: list[dict[str, Any]] = [
        {"lines": 5001},
        {"lines": -1},
        {"instance": "x"},
        {"stream": "both"},
        {"since": "yesterday"},
        {"before": "x"},
        {"before": "\ud800"},
        {"search": "x" * 1001},
        {"until": 1, "follow": True},
    ]
    for parameters in wrong:
        with pytest.raises(ApiError) as error:
            [*client.logs("web", **parameters)]
        assert error.value.status == 400, parameters
    for name in ("wbe", "..", "%2e%2e", "web/../web", "\0"):
        with pytest.raises(ApiError) as error:
            [*client.logs(name)]
        assert error.value.status == 404
    assert "did you mean web?" in str(_refusal(client, "wbe"))


def _refusal(client: Client, name: str) -> ApiError:
    with pytest.raises(ApiError) as error:
        [*client.logs(name)]
    return error.value


def test_an_app_that_wrote_nothing_has_no_lines(recon: Recon) -> None:
    recon.app("quiet", SLEEP)
    recon.run()
    recon.healthy("quiet")
    assert [*client_of(recon).logs("quiet")] == []


def test_following_misses_nothing_over_rotations(recon: Recon) -> None:
    recon.app("web", numbered(0.001), logs={"rotate": {"size": "20Ki", "keep": 50}})
    recon.run()
    recon.healthy("web")
    lines = client_of(recon).logs("web", lines=0, follow=True)
    numbers = [int(line["line"].split()[1]) for line in itertools.islice(lines, 6000)]
    assert numbers == [*range(numbers[0], numbers[0] + 6000)]
    assert len([*(recon.state / "logs/web").glob("0.out.log.*")]) > 3


class Stream:
    """A reader of server-sent events, as a browser is one."""

    def __init__(self, recon: Recon, path: str, last: str = "") -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(120)
        self._socket.connect(str(StatePaths(recon.state.resolve()).socket))
        head = f"GET {path} HTTP/1.1\r\nHost: recon\r\nAccept: text/event-stream\r\n"
        head += f"Last-Event-ID: {last}\r\n" if last else ""
        self._socket.sendall(f"{head}\r\n".encode())
        self._file = self._socket.makefile("rb")
        status = self._file.readline()
        assert b" 200 " in status, self._file.read()

    def events(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """Id and document of so many events."""
        found: list[tuple[str, dict[str, Any]]] = []
        id = ""
        while len(found) < count:
            line = self._file.readline()
            assert line, "the stream has ended"
            if line.startswith(b"id: "):
                id = line[4:].decode().strip()
            elif line.startswith(b"data: "):
                found.append((id, json.loads(line[6:])))
        return found

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def test_a_stream_goes_on_where_its_reader_was_over_a_restart_too(recon: Recon) -> None:
    recon.app("web", numbered(0.002))
    recon.run()
    recon.healthy("web")
    stream = Stream(recon, "/v1/logs/web?lines=5")
    first = stream.events(50)
    stream.close()
    assert first[-1][0] == first[-1][1]["position"]
    recon.kill_controller()
    recon.run()
    stream = Stream(recon, "/v1/logs/web", last=first[-1][0])
    second = stream.events(50)
    stream.close()
    numbers = [int(document["line"].split()[1]) for _, document in (*first, *second)]
    assert numbers == [*range(numbers[0], numbers[0] + 100)]


def test_files_that_are_gone_are_told_of(recon: Recon) -> None:
    recon.app("web", numbered(0.002))
    recon.run()
    recon.healthy("web")
    position = next(client_of(recon).logs("web", lines=1))["position"]
    log: Path = recon.state / "logs/web/0.out.log"
    log.unlink()
    until(log.exists, what="the log is made again")
    stream = Stream(recon, "/v1/logs/web", last=position)
    assert stream.events(1)[0][1]["app"] == "web"
    stream.close()
