"""What `recon logs` reads back is what was written, in the order of time."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.logs.format import frames, lines
from reconciler.logs.read import compressed, follow, search, seek
from reconciler.logs.read.files import LogFile, LogLine, find
from reconciler.model.host.fifo import FifoName
from reconciler.model.host.logcatalog import Catalog
from reconciler.model.spec.logs import Logs


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(line + "\n" for line in lines)


def at(second: int, text: str) -> str:
    return f"2026-11-24T03:15:{second:02}.500Z {text}"


def texts(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines]


def test_lines_of_all_instances_and_streams_are_merged_by_time(tmp_path: Path) -> None:
    write(tmp_path / "logs/api/0.out.log", at(1, "a"), at(4, "d"))
    write(tmp_path / "logs/api/1.err.log", at(2, "b"))
    write(tmp_path / "logs/web/0.out.log", at(3, "c"), at(5, "e"))
    assert texts(search.tail(find(tmp_path))) == ["a", "b", "c", "d", "e"]
    assert texts(search.tail(find(tmp_path), lines=2)) == ["d", "e"]
    assert texts(search.tail(find(tmp_path, ["api"], ["out"]))) == ["a", "d"]
    line = search.tail(find(tmp_path), lines=1)[0]
    assert (line.app, line.instance, line.stream, line.time) == ("web", 0, "out", 1795490105.5)


def test_rotated_and_compressed_files_are_read_and_none_of_them_twice(tmp_path: Path) -> None:
    path = tmp_path / "logs/api/0.out.log"
    oldest = path.with_name(path.name + ".20261124-031500-000000.gz")
    older = path.with_name(path.name + ".20261124-031510-000000")
    write(older, at(3, "c"), at(4, "d"))
    oldest.write_bytes(gzip.compress(f"{at(1, 'a')}\n{at(2, chr(13) + 'b')}\n".encode()))
    older.with_name(older.name + ".gz").write_bytes(gzip.compress(older.read_bytes()))
    write(path, at(5, "e"))
    assert texts(search.tail(find(tmp_path))) == ["a", "\rb", "c", "d", "e"]


def test_since_and_grep_choose_among_the_lines(tmp_path: Path) -> None:
    write(tmp_path / "logs/api/0.out.log", *(at(s, f"line {s}") for s in range(60)))
    found = find(tmp_path)
    assert texts(search.tail(found, since=1795490100 + 58)) == ["line 58", "line 59"]
    assert texts(search.tail(found, grep=r"e 1\d$", lines=2)) == ["line 18", "line 19"]


def test_lines_without_times_keep_the_order_of_their_file(tmp_path: Path) -> None:
    write(tmp_path / "logs/api/0.out.log", *(f"plain {n}" for n in range(50_000)))
    found = find(tmp_path)
    assert texts(search.tail(found, lines=3)) == ["plain 49997", "plain 49998", "plain 49999"]
    assert texts(search.tail(found)) == [f"plain {n}" for n in range(50_000)]


def test_half_a_line_is_not_shown_and_a_long_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "logs/api/0.out.log"
    write(path, at(1, "x" * 300_000), at(2, "b"))
    with path.open("a") as file:
        file.write(at(3, "half"))
    assert texts(search.tail(find(tmp_path))) == ["x" * 300_000, "b"]


def test_the_last_lines_of_a_huge_log_are_found_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "logs/api/0.out.log"
    write(path, at(1, "first"))
    with path.open("r+b") as file:
        file.truncate(2**40)
        file.seek(2**40)
        file.write(f"\n{at(2, 'last')}\n".encode())
    assert texts(search.tail(find(tmp_path), lines=1)) == ["last"]


def followed(state: Path) -> Iterator[LogLine | None]:
    return follow.follow(lambda: find(state))


def take(lines: Iterator[LogLine | None]) -> list[str]:
    """What came until there was nothing new."""
    found = []
    while (line := next(lines)) is not None:
        found.append(line.text)
    return found


def test_following_survives_rotations_new_instances_and_half_lines(tmp_path: Path) -> None:
    path = tmp_path / "logs/api/0.out.log"
    write(path, at(1, "old"))
    lines = followed(tmp_path)
    assert take(lines) == []
    write(path, at(2, "a"))
    path.rename(path.with_name(path.name + ".20261124-031500-000000"))
    write(path, at(3, "b"))
    path.rename(path.with_name(path.name + ".20261124-031500-000001"))
    write(path, at(4, "c"))
    with path.open("a") as file:
        file.write(at(5, "ha"))
    assert take(lines) == ["a", "b", "c"]
    write(path, "lf")
    write(tmp_path / "logs/api/1.out.log", at(6, "new"))
    assert take(lines) == ["half", "new"]
    write(tmp_path / "logs/api/1.out.log", at(7, "newer"))
    assert take(lines) == ["newer"]


class Counted:
    """How many bytes are read of files."""

    def __init__(self) -> None:
        self.bytes = 0

    def pread(self, fd: int, count: int, at: int) -> bytes:
        found = os.pread(fd, count, at)
        self.bytes += len(found)
        return found


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted()
    fake = type("FakeOs", (), {"__getattr__": lambda self, name: getattr(os, name)})()
    fake.pread = counted.pread
    monkeypatch.setattr(compressed, "os", fake)
    return counted


def stamped(second: float, text: str) -> bytes:
    when = datetime.fromtimestamp(BEGAN + second, UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z {text}\n".encode()


BEGAN = 1795490100.0
COUNT = 200_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """20 MB: a line each second, and behind each tenth one that has no time."""
    lines = []
    for second in range(COUNT):
        lines.append(stamped(second, f"{second} " + "x" * 60))
        if second % 10 == 9:
            lines.append(f"  at {second}\n".encode())
    return b"".join(lines)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_time_is_found_by_a_few_reads_however_large_the_file(
    tmp_path: Path, counted: Counted, large: bytes, suffix: str
) -> None:
    path = tmp_path / "logs/api/0.out.log"
    path.parent.mkdir(parents=True)
    if suffix:
        old = path.with_name(f"{path.name}.20270101-000000-000000.gz")
        with old.open("wb") as target:
            frames.pack(io.BytesIO(large), target)
        most = 8 * old.stat().st_size * frames.BLOCK // len(large) + 200_000
    else:
        path.write_bytes(large)
        most = 12 * 2**16
    found = find(tmp_path)
    middle = BEGAN + 123_458
    wanted = ["123458", "123459", "at 123459", "123460", "123461"]
    window: Any = {"since": middle, "until": middle + 3}
    assert heads(search.scan(found, **window)) == wanted
    assert counted.bytes < most
    counted.bytes = 0
    assert heads(search.tail(found, lines=2, until=middle)) == ["123457", "123458"]
    assert heads(search.tail(found, lines=1)) == [f"at {COUNT - 1}"]
    assert counted.bytes < most
    assert heads(search.tail(found, **window)) == wanted


def heads(lines: Iterable[LogLine]) -> list[str]:
    return [line.text.strip().removesuffix("x" * 60).strip() for line in lines]


@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60),
    cut=st.integers(0, 60),
    since=st.integers(-1, 100),
    span=st.integers(0, 100),
    data=st.data(),
)
def test_a_window_of_time_is_what_reading_all_would_find(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    steps: list[tuple[int, int]],
    cut: int,
    since: int,
    span: int,
    data: st.DataObject,
) -> None:
    """Forwards and backwards, over a rotation, with lines that have no time."""
    state = tmp_path_factory.mktemp("state")
    path = state / "logs/api/0.out.log"
    path.parent.mkdir(parents=True)
    second, written = 0, []
    for number, (step, untimed) in enumerate(steps):
        second += step
        written.append((second, f"{number}", stamped(second, f"{number}")))
        written += [(second, f"{number}.{i}", f"{number}.{i}\n".encode()) for i in range(untimed)]
    cut = min([i for i, w in enumerate(written) if b"Z " in w[2] and i >= cut] or [len(written)])
    if cut:
        when = datetime.fromtimestamp(BEGAN + written[cut - 1][0] + 0.5, UTC)
        old = path.with_name(f"{path.name}.{when:%Y%m%d-%H%M%S-%f}")
        old.write_bytes(b"".join(raw for *_, raw in written[:cut]))
        os.utime(old, (when.timestamp(),) * 2)
    path.write_bytes(b"".join(raw for *_, raw in written[cut:]))
    window: Any = {"since": BEGAN + since, "until": BEGAN + since + span}
    wanted = [text for at, text, _ in written if since <= at <= since + span]
    with pytest.MonkeyPatch.context() as patch:
        block = data.draw(st.sampled_from([3, 30, 100, 2**16]))
        patch.setattr(seek, "BLOCK", block)
        patch.setattr(seek, "_PROBE", max(1, block // 2))
        found = find(state)
        assert texts([*search.scan(found, **window)]) == wanted
        assert texts(search.tail(found, **window)) == wanted
        assert texts(search.tail(found, lines=3, **window)) == wanted[-3:]


def test_a_file_that_others_compressed_is_read_too(tmp_path: Path) -> None:
    old = tmp_path / "logs/api/0.out.log.20270101-000000-000000.gz"
    write(tmp_path / "logs/api/0.out.log")
    old.write_bytes(gzip.compress(b"".join(stamped(n, f"{n}") for n in range(50_000)), 1))
    found = find(tmp_path)
    assert texts([*search.scan(found, since=BEGAN + 9, until=BEGAN + 11)]) == ["9", "10", "11"]
    old.write_bytes(old.read_bytes()[:-9_000])  # torn: what can be read is shown
    assert texts(search.tail(found, until=BEGAN + 1)) == ["0", "1"]


def catalog(state: Path, app: str, **known: list[str]) -> None:
    path = state / "logs" / f"{app}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(Catalog().with_first(**known).text())


def test_logs_at_declared_places_are_found_by_what_is_written_down(tmp_path: Path) -> None:
    place = f"{tmp_path}/own/api-<instance>.txt"
    catalog(tmp_path, "api", places=[place], errors=[f"{tmp_path}/own/err.txt"])
    write(tmp_path / "own/api-0.txt", at(1, "a"))
    write(tmp_path / "own/api-12.txt.20261124-031504-000000", at(2, "b"))
    write(tmp_path / "own/err.txt", at(3, "c"))
    write(tmp_path / "own/api-x.txt", at(4, "another's"))
    write(tmp_path / "logs/api/0.out.log", at(0, "before"))
    found = search.tail(find(tmp_path, ["api"]))
    assert [(line.source, line.stream, line.text) for line in found] == [
        ("api-0", "out", "before"),
        ("api-0", "out", "a"),
        ("api-12", "out", "b"),
        ("api", "err", "c"),
    ]
    assert texts(search.tail(find(tmp_path, ["api"], ["err"]))) == ["c"]


def test_json_tells_instance_and_stream_and_is_shown_as_its_message(tmp_path: Path) -> None:
    place = f"{tmp_path}/one.log"
    catalog(tmp_path, "api", places=[place], mixed=[place])
    name = FifoName("api", 3, "hash", "nonce", "err")
    json_logs = Logs(format="json")
    for second, text in ((1, b"plain\n"), (2, b"caf\xe9\n")):
        before = lines.head(json_logs, name, BEGAN + second).encode()
        with Path(place).open("ab") as file:
            file.write(lines.render(text, before, False, "json")[0])
    write(Path(place), at(3, "text from before"), '{"app":"own","level":"info"}')
    found = search.tail(find(tmp_path))
    assert [(line.source, line.stream, line.text) for line in found] == [
        ("api-3", "err", "plain"),
        ("api-3", "err", "caf�"),
        ("api", "out", "text from before"),
        ("api", "out", '{"app":"own","level":"info"}'),
    ]
    assert texts(search.tail(find(tmp_path, None, ["err"]))) == ["plain", "caf�"]
    assert texts(search.tail(find(tmp_path, None, ["err"]), lines=1)) == ["caf�"]


def test_what_an_app_builds_is_shown_with_it(tmp_path: Path) -> None:
    write(tmp_path / "logs/api/0.out.log", at(1, "a"))
    write(tmp_path / "logs/api:build/4.out.log", at(2, "b"))
    write(tmp_path / "logs/apix/0.out.log", at(3, "c"))
    assert [line.source for line in search.tail(find(tmp_path, ["api"]))] == [
        "api-0",
        "api:build-4",
    ]
    assert texts(search.tail(find(tmp_path, ["api:build"]))) == ["b"]


def test_what_is_rotated_while_it_is_read_is_neither_missed_nor_read_twice(tmp_path: Path) -> None:
    path = tmp_path / "logs/api/0.out.log"
    path.parent.mkdir(parents=True)
    old = path.with_name(f"{path.name}.20261124-031600-000000")
    old.write_bytes(b"".join(stamped(n, f"{n}") for n in range(10)))
    path.write_bytes(b"".join(stamped(n, f"{n}") for n in range(100, 110)))
    forth, back = (read(find(tmp_path)) for read in (search.scan, newest_first))
    said = [next(forth).text, next(back).text]
    path.rename(path.with_name(f"{path.name}.20261124-031900-000000"))
    path.write_bytes(stamped(200, "200"))
    wanted = [*map(str, range(10)), *map(str, range(100, 110))]
    assert [said[0], *texts([*forth])] == [*wanted, "200"]
    assert [said[1], *texts([*back])] == wanted[::-1], "as of when it began"


def newest_first(found: list[LogFile]) -> Iterator[LogLine]:
    return (one.line for one in search.newest_first(found[0], None, None) if one.line is not None)


def test_root_follows_no_link_to_what_is_no_log(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("root's\n")
    path = tmp_path / "logs/api/0.out.log"
    path.parent.mkdir(parents=True)
    os.mkfifo(path.with_name("1.out.log"))
    if os.geteuid() == 0:
        path.symlink_to(secret)
    assert search.tail(find(tmp_path)) == [] == [*search.scan(find(tmp_path))]
