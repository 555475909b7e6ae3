"""Output in the frames that Nomad's API documents."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

import pytest

from reconciler.targets.engine import EngineError
from reconciler.targets.nomad.client import Client
from reconciler.targets.nomad.engine import Nomad
from reconciler.targets.nomad.logs import Source, frames, lines
from tests.targets.nomad.played import Played, Reply, Request

SOURCE = Source("a1", "web-0", "web", "stdout")
LOGS, FILES = "GET /v1/client/fs/logs/a1", "GET /v1/client/fs/ls/a1"


def frame(data: bytes) -> bytes:
    text = base64.b64encode(data).decode()
    return json.dumps({"Offset": 1, "File": "alloc/logs/web.stdout.0", "Data": text}).encode()


def cut(text: bytes, size: int) -> Iterator[bytes]:
    yield from (text[at : at + size] for at in range(0, len(text), size))


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_frames_are_read_wherever_they_are_cut(size: int) -> None:
    text = frame(b"one\ntw") + b"{}" + frame(b"o\n") + b'\n{"FileEvent":"truncated"}'
    assert b"".join(frames(cut(text, size))) == b"one\ntwo\n"


@pytest.mark.parametrize(
    "text",
    [b"<html>", b'{"Data":5}', b'{"Data":"?"}', b"[]", b'{"Data":"', b"{" + b" " * 5_000_000],
)
def test_damaged_frames_are_a_sentence(text: bytes) -> None:
    with pytest.raises(EngineError, match="damaged: the output"):
        [*frames(iter([text]))]


def test_the_last_lines_are_the_last(played: Played, client: Client) -> None:
    parts = [frame(b"cut\n1\n2\n"), frame(b"3\nno end")]
    played.answers[LOGS] = lambda _: Reply(parts=iter(parts))
    found = [*lines(client, SOURCE, 3, follow=False)]
    assert [one.text for one in found] == ["2", "3", "no end"]
    assert {(one.instance, one.time, one.is_error) for one in found} == {("web-0", None, False)}
    assert played.requests[0].query["origin"] == "end"
    assert [*lines(client, SOURCE, 0, follow=False)] == []


def test_followed_output_is_the_last_lines_and_then_what_comes(
    played: Played, client: Client
) -> None:
    files = [{"Name": "web.stdout.0", "Size": 6}, {"Name": "web.stderr.0", "Size": 99}]
    played.answers[FILES] = files

    def parts() -> Iterator[bytes]:
        yield frame(b"1\n2")
        yield frame(b"\n3\n4") + b"{}"
        yield frame(b"\n5\n")
        played.over.wait()

    played.answers[LOGS] = lambda _: Reply(parts=parts())
    found = lines(client, SOURCE, 2, follow=True)
    first = [next(found) for _ in range(4)]
    assert [one.text for one in first] == ["2", "3", "4", "5"]
    assert [one.time is None for one in first] == [True, True, False, False]
    found.close()  # type: ignore[attr-defined]


def test_an_instance_whose_client_is_away_hides_no_other(
    nomad: Nomad, played: Played, replay: Callable[[str], None]
) -> None:
    replay("settled")
    first, *others = played.answers["GET /v1/job/web/allocations"]

    def logs(request: Request) -> Reply:
        return Reply(parts=iter([frame(f"{request.query['type']}\n".encode())]))

    for one in played.answers["GET /v1/job/web/allocations"]:
        played.answers[f"GET /v1/client/fs/logs/{one['ID']}"] = logs
    played.answers[f"GET /v1/client/fs/logs/{first['ID']}"] = Reply(b"No path to node", 500)
    found = [one.text for one in nomad.logs("web", lines=5, follow=False)]
    alive = [one for one in (first, *others) if one["ClientStatus"] == "running"]
    assert sorted(text for text in found if "unavailable" not in text) == sorted(
        ["stdout", "stderr"] * (len(alive) - 1)
    )
    assert len([text for text in found if "No path to node" in text]) == 2
