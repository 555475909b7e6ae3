"""Output in the frames that Nomad's API documents."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

import pytest

from reconciler.targets.engine import EngineError, Line
from reconciler.targets.nomad.client import Client
from reconciler.targets.nomad.engine import Nomad
from reconciler.targets.nomad.logs import Source, frames, lines, shared
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


def test_all_lines_are_those_from_the_start(played: Played, client: Client) -> None:
    played.answers[LOGS] = Reply(frame(b"1\n2\n"))
    assert [one.text for one in lines(client, SOURCE, None, follow=False)] == ["1", "2"]
    assert played.requests[0].query["origin"] == "start"


def test_a_count_is_shared_by_the_streams() -> None:
    """Without times the last lines of all are not known: none may take the place of another's."""
    streams = [[Line(name, None, str(n)) for n in range(5)] for name in "ab"]
    streams.append([Line("c", None, "only")])
    found = [f"{one.instance}{one.text}" for one in shared(streams, 5)]
    assert found == ["a3", "a4", "b3", "b4", "conly"]
    assert len(shared(streams, 2)) == 2
    assert len(shared(streams, 0)) == 0
    assert len(shared(streams, None)) == len(shared(streams, 99)) == 11


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
    found = [one.text for one in nomad.logs("web", lines=50, follow=False)]
    alive = [one for one in (first, *others) if one["ClientStatus"] == "running"]
    assert sorted(text for text in found if "unavailable" not in text) == sorted(
        ["stdout", "stderr"] * (len(alive) - 1)
    )
    assert len([text for text in found if "No path to node" in text]) == 2


def allocation(id: str, number: int, status: str = "running") -> dict[str, object]:
    state = {"State": status, "StartedAt": "2026-12-01T10:00:00Z"}
    known = {"ID": id, "Name": f"web.web[{number}]", "JobID": "web", "CreateIndex": number}
    return {**known, "ClientStatus": status, "DesiredStatus": "run", "TaskStates": {"web": state}}


def test_an_instance_that_starts_meanwhile_is_followed(
    nomad: Nomad, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.targets.nomad.engine._LOOK", 0.01)
    played.answers["GET /v1/job/web"] = {"ID": "web", "Meta": {"managed-by": "recon"}}
    there = [allocation("a0", 0)]
    played.answers["GET /v1/job/web/allocations"] = lambda _: there

    def logs(request: Request) -> Reply:
        def parts() -> Iterator[bytes]:
            if request.query["type"] == "stdout":
                yield frame(f"of {request.path[-2:]}\n".encode())
            yield b"{}"
            played.over.wait()

        return Reply(parts=parts())

    for name in ("a0", "a1"):
        played.answers[f"GET /v1/client/fs/ls/{name}"] = []
        played.answers[f"GET /v1/client/fs/logs/{name}"] = logs
    found = nomad.logs("web", lines=5, follow=True)
    assert next(found).instance == "web-0"
    there.append(allocation("a1", 1))
    assert next(found)[::2] == ("web-1", "of a1")


def test_following_ends_with_the_last_instance(nomad: Nomad, played: Played) -> None:
    played.answers["GET /v1/job/web"] = {"ID": "web", "Meta": {"managed-by": "recon"}}
    played.answers["GET /v1/job/web/allocations"] = [allocation("a0", 0, "complete")]
    played.answers["GET /v1/client/fs/ls/a0"] = [{"Name": "web.stdout.0", "Size": 5}]
    played.answers["GET /v1/client/fs/logs/a0"] = Reply(frame(b"done\n"))
    found = [one.text for one in nomad.logs("web", lines=5, follow=True)]
    assert found == ["done", "done"]  # one of each stream
