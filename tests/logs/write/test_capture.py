"""Output reaches the logs whatever happens to programs, disks and the state directory."""

from __future__ import annotations

import asyncio
import errno
import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.logs.write import capture as capture_module
from reconciler.logs.write import compress, fifo, logfile, transfer
from reconciler.logs.write.capture import Capture
from reconciler.logs.write.transfer import TAIL
from reconciler.logs.write.write_ahead import Header, Spool
from reconciler.model.spec.logs import Logs, Rotate
from reconciler.model.state.observed import Tag
from reconciler.model.state.tally import Tally

PLAIN = Logs(timestamps=False, rotate=Rotate(compress=False))
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root (mount, setuid)")


class Host:
    """A capture on a loop of its own, and the programs it listens to."""

    def __init__(self, state: Path, fifos: Sequence[Path] = ()) -> None:
        self.state = state
        self.fifos = fifos
        self.loop = asyncio.new_event_loop()
        self.troubles: list[tuple[str, str | None]] = []
        self.programs: list[subprocess.Popen[bytes]] = []
        self.tally = Tally()
        self.capture = self.controller()

    def controller(self) -> Capture:
        capture = Capture(
            self.state,
            self.loop,
            on_trouble=lambda app, text: self.troubles.append((app, text)),
            fifos=self.fifos,
            tally=self.tally,
        )
        capture.recover()
        return capture

    def restart(self) -> None:
        self.capture.close()
        self.capture = self.controller()

    def start(self, tag: Tag, code: str, uid: int | None = None) -> subprocess.Popen[bytes]:
        streams = self.capture.open(tag, uid, uid)
        program = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=streams.stdout,
            stderr=streams.stderr,
            stdin=subprocess.PIPE,
            user=uid,
        )
        streams.close()
        self.programs.append(program)
        return program

    def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        async def wait() -> None:
            deadline = time.monotonic() + seconds
            while not condition():
                assert time.monotonic() < deadline, "not in time"
                await asyncio.sleep(0.005)

        self.loop.run_until_complete(wait())

    def log(self, tag: Tag, stream: str = "out") -> bytes:
        path = self.state / "logs" / tag.app / f"{tag.instance}.{stream}.log"
        return path.read_bytes() if path.exists() else b""

    def close(self) -> None:
        for program in self.programs:
            program.kill()
            program.communicate()
        self.capture.close()
        self.loop.close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path / "state")
    yield host
    host.close()


def tag_of(nonce: str, app: str = "app") -> Tag:
    return Tag("store", app, 0, "0123456789ab.-", nonce)


def test_a_program_that_dies_before_it_is_attached_loses_nothing(host: Host) -> None:
    tag = tag_of("a")
    program = host.start(tag, "import os; os.write(1, b'out\\nno newline'); os.write(2, b'err')")
    program.wait()
    host.capture.attach(tag, PLAIN)
    host.capture.detach(tag.nonce)
    assert host.log(tag) == b"out\nno newline\n"
    assert host.log(tag, "err") == b"err\n"
    assert list((host.state / "fifo").iterdir()) == []


def test_the_last_errors_of_a_process_are_known_as_soon_as_it_has_ended(host: Host) -> None:
    tag, other = tag_of("a"), tag_of("b")
    host.start(other, "import os; os.write(2, b'of another process\\n')").wait()
    code = "import os; os.write(1, b'out\\n'); os.write(2, b'x' * 5000 + b'\\nfirst\\n')"
    program = host.start(tag, f"{code}; input(); os.write(2, b'last words')")
    host.capture.attach(tag, PLAIN)
    host.capture.attach(other, PLAIN)
    host.until(lambda: b"first" in host.log(tag, "err"))
    program.communicate(b"\n")
    errors = host.capture.last_errors("a")
    assert errors.endswith(b"\nfirst\nlast words") and len(errors) == TAIL
    assert host.capture.last_errors("b") == b"of another process\n"
    host.capture.detach("a")
    assert host.capture.last_errors("a") == b"" == host.capture.last_errors("unknown")
    assert host.log(tag, "err").endswith(b"first\nlast words\n"), "and they are in the log once"


def test_an_adopted_process_is_read_although_the_state_directory_was_removed(host: Host) -> None:
    tag = tag_of("a")
    code = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
    program = host.start(tag, code)
    host.capture.attach(tag, PLAIN)
    assert program.stdin is not None
    program.stdin.write(b"before\n")
    program.stdin.flush()
    host.until(lambda: host.log(tag) == b"before\n")
    shutil.rmtree(host.state)
    host.restart()
    host.capture.attach(tag, PLAIN, program.pid)
    program.stdin.write(b"after\n")
    program.stdin.flush()
    host.until(lambda: host.log(tag) == b"after\n")


@pytest.mark.parametrize("place", ["open_reader", "Pump.load"])
def test_an_adopted_stream_that_cannot_be_opened_for_the_moment_is_read_later(
    host: Host, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Out of descriptors or memory is no sign that the program has closed it."""
    tag = tag_of("a")
    program = host.start(tag, "import sys\nfor line in sys.stdin: print(line, end='', flush=True)")
    host.restart()
    refused: list[object] = []

    def refuse(real: Any) -> Any:
        def call(*arguments: Any) -> Any:
            if len(refused) < 2:  # once for each stream
                refused.append(arguments)
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return real(*arguments)

        return call

    if place == "Pump.load":
        monkeypatch.setattr(transfer.Pump, "load", refuse(transfer.Pump.load))
    else:
        monkeypatch.setattr(fifo, "open_reader", refuse(fifo.open_reader))
    monkeypatch.setattr(capture_module, "FIRST_RETRY", 0.01)
    host.capture.attach(tag, PLAIN, program.pid)
    assert program.stdin is not None
    program.stdin.write(b"a line\n")
    program.stdin.flush()
    host.until(lambda: host.log(tag) == b"a line\n")
    assert len(refused) == 2


def test_what_a_process_says_is_heard_while_somebody_listens(host: Host) -> None:
    tag = tag_of("a")
    host.capture.transcripts.begin("a", kept=True)
    program = host.start(tag, "import sys\nfor line in sys.stdin: print(line, end='', flush=True)")
    host.capture.attach(tag, Logs())
    assert program.stdin is not None
    program.stdin.write(b"ready\nha")
    program.stdin.flush()
    host.until(lambda: b"ready" in host.log(tag))
    said = host.capture.transcripts.get("a")
    assert said is not None and said.read() == [b"ready"]
    host.capture.transcripts.end("a")
    program.stdin.write(b"lf\n")
    program.stdin.flush()
    host.until(lambda: b"half" in host.log(tag))
    assert host.capture.transcripts.get("a") is None


def test_a_chunk_that_a_controller_was_killed_in_is_heard_by_the_next(host: Host) -> None:
    tag = tag_of("a")
    host.capture.transcripts.begin("a", kept=True)
    host.start(tag, "print('ready')").wait()
    name = fifo.name_of(tag, "out")
    log, carry = (host.state / one for one in ("logs/app/0.out.log", f"fifo/{name}.carry"))
    spool = Spool(host.state / "spool")
    pipe = fifo.open_reader(host.state / "fifo" / str(name))
    header = Header(str(log), inode=0, length=0, stamp="", carry_file=str(carry))
    assert spool.take(pipe, header, b"", 100) == len("ready\n")
    os.close(pipe)
    spool.close()
    host.restart()
    host.capture.transcripts.begin("a", kept=True, whole=False)
    said = host.capture.transcripts.get("a")
    assert said is not None and said.read() == [b"ready"]
    assert host.log(tag) == b"ready\n"


def test_what_a_process_left_that_ended_without_a_controller_is_swept(host: Host) -> None:
    tag = tag_of("a")
    program = host.start(tag, "import os, sys; os.write(1, b'half'); sys.stdin.read()")
    host.capture.attach(tag, PLAIN)
    host.until(lambda: any(file.suffix == ".carry" for file in (host.state / "fifo").iterdir()))
    host.restart()
    host.capture.configure("app", PLAIN)
    host.capture.sweep(live=())
    assert host.log(tag) == b"", "somebody holds it still"
    program.kill()
    program.wait()
    host.capture.sweep(live={"a"})
    assert host.log(tag) == b""
    host.capture.sweep(live=())
    assert host.log(tag) == b"half\n"
    assert list((host.state / "fifo").iterdir()) == []


def test_a_flood_neither_starves_the_loop_nor_loses_a_byte(host: Host) -> None:
    logs = Logs(timestamps=False, rotate=Rotate(size="4Mi", keep=1000, compress=False))
    loud, quiet = tag_of("a", "loud"), tag_of("b", "quiet")
    flood = "import os\nfor n in range(640): os.write(1, b'%099d\\n' % n * 655)"
    program = host.start(loud, flood)
    host.start(quiet, "print('hello')")
    host.capture.attach(loud, logs)
    host.capture.attach(quiet, logs)
    host.until(lambda: host.log(quiet) == b"hello\n" and program.poll() is not None)
    host.capture.detach("a")
    path = logfile.log_path(host.state, "loud", 0, "out")
    text = b"".join(file.read_bytes() for file in [*logfile.rotated(path), path])
    assert text == b"".join(b"%099d\n" % n * 655 for n in range(640))
    sizes = [file.stat().st_size for file in logfile.rotated(path)]
    assert len(sizes) > 5 and all(4 * 2**20 <= size < 4 * 2**20 + 8192 for size in sizes)


def test_rotated_files_are_compressed_and_only_so_many_kept(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compress, "DELAY", 0.01)
    logs = Logs(timestamps=False, rotate=Rotate(size=10_000, keep=3, compress=True))
    tag = tag_of("a")
    host.start(tag, "import sys\nfor n in range(20000): print(n)\nsys.stdout.flush(); input()")
    host.capture.attach(tag, logs)
    host.until(lambda: host.log(tag).endswith(b"19999\n"))
    path = logfile.log_path(host.state, "app", 0, "out")
    host.until(lambda: [f.suffix for f in logfile.rotated(path)] == [".gz"] * 3)


@needs_root
def test_stdout_can_be_reopened_by_an_app_of_another_user(host: Host) -> None:
    tag = tag_of("a")
    streams = host.capture.open(tag, 65534, 65534)
    command = ["/bin/sh", "-c", "echo reopened > /dev/stdout"]
    program = subprocess.Popen(command, stdout=streams.stdout, user=65534, group=65534)
    host.programs.append(program)
    streams.close()
    host.capture.attach(tag, PLAIN)
    assert program.wait() == 0
    host.capture.detach("a")
    assert host.log(tag) == b"reopened\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "small"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


@needs_root
def test_a_full_disk_stops_no_program_and_what_is_lost_is_told(
    small_disk: Path,
) -> None:
    host = Host(small_disk)
    try:
        (small_disk / "ballast").write_bytes(b"x" * 3_400_000)
        tag = tag_of("a")
        flood = "import os\nfor n in range(25_000): os.write(1, b'%099d\\n' % n)\ninput()"
        host.start(tag, flood)
        host.capture.attach(tag, PLAIN)
        host.until(lambda: any("bytes so far" in (text or "") for _, text in host.troubles), 30)
        assert "No space left on device" in str(host.troubles[0][1])
        (small_disk / "ballast").unlink()
        host.until(lambda: host.troubles[-1] == ("app", None), 60)
        host.until(lambda: host.log(tag).endswith(b"%099d\n" % 24_999))
        lines = host.log(tag).splitlines()
        lost = [line for line in lines if line.startswith(b"recon: ")]
        numbers = [int(line) for line in lines if line not in lost]
        assert lost[0].endswith(b"bytes of output were lost: No space left on device")
        assert numbers == sorted(set(numbers)), "none doubled, none out of order"
        assert all(len(line) == 99 for line in lines if line not in lost), "none torn"
        missing = sum(int(line.split()[1]) for line in lost)
        assert missing + 100 * len(numbers) == 100 * 25_000, "all accounted for"
        counted = host.tally.of("app")
        assert 0 < counted.dropped <= missing
        assert counted.logged == {"out": 100 * 25_000 - counted.dropped}
    finally:
        host.close()


ECHO = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"


def say(program: subprocess.Popen[bytes], line: bytes) -> None:
    assert program.stdin is not None
    program.stdin.write(line)
    program.stdin.flush()


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Host]:
    """Its FIFOs lie in a folder of their own (``observed.processes.fifodirs``), made when first
    needed."""
    state = tmp_path / "state"
    host = Host(state, (tmp_path / "memory", state / "fifo"))
    yield host
    host.close()


def test_fifos_apart_are_found_again_and_go_with_their_process(apart: Host) -> None:
    tag, folder = tag_of("a"), apart.fifos[0]
    program = apart.start(tag, ECHO)
    apart.capture.attach(tag, PLAIN)
    assert {path.name.rpartition(".")[2] for path in folder.iterdir()} == {"out", "err"}
    assert list((apart.state / "fifo").iterdir()) == []
    say(program, b"before\nunfinished")
    apart.until(lambda: apart.log(tag) == b"before\n")
    apart.restart()
    apart.capture.attach(tag, PLAIN)
    say(program, b" line\n")
    apart.until(lambda: apart.log(tag) == b"before\nunfinished line\n")
    program.kill()
    program.wait()
    apart.capture.detach(tag.nonce)
    assert list(folder.iterdir()) == []
    apart.restart()
    assert not folder.exists(), "nothing is left where nothing runs"


def test_what_ended_unseen_is_swept_up_from_both_places(apart: Host) -> None:
    earlier, now = tag_of("a", "earlier"), tag_of("b", "now")
    apart.fifos = apart.fifos[-1:]
    apart.restart()
    programs = [apart.start(earlier, "print('begun', end='', flush=True); input()")]
    apart.capture.attach(earlier, PLAIN)
    apart.fifos = (apart.state.parent / "memory", apart.state / "fifo")
    apart.restart()
    apart.capture.attach(earlier, PLAIN)
    programs.append(apart.start(now, "print('begun', end='', flush=True); input()"))
    apart.capture.attach(now, PLAIN)
    apart.until(lambda: len([*(apart.state / "fifo").glob("*.carry")]) == 2)
    for program in programs:
        program.kill()
        program.wait()
    apart.restart()
    for app in ("earlier", "now"):
        apart.capture.configure(app, PLAIN)
    apart.capture.sweep(set())
    assert apart.log(earlier) == apart.log(now) == b"begun\n"
    assert [*(apart.state / "fifo").iterdir(), *apart.fifos[0].iterdir()] == []


def test_a_folder_that_was_taken_away_is_made_again_and_one_of_others_is_not_used(
    apart: Host,
) -> None:
    folder = apart.fifos[0]
    streams = apart.capture.open(tag_of("a"))
    streams.close()
    shutil.rmtree(folder)
    apart.capture.open(tag_of("b")).close()
    assert len(list(folder.iterdir())) == 2
    folder.chmod(0o777)
    apart.capture.open(tag_of("c")).close()
    assert len(list(folder.iterdir())) == len(list((apart.state / "fifo").iterdir())) == 2


def test_logs_go_where_they_are_declared_and_a_change_needs_no_restart(
    host: Host, tmp_path: Path
) -> None:
    tag = tag_of("a")
    code = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
    program = host.start(tag, code)
    assert program.stdin is not None
    first, second = tmp_path / "own" / "api-0.txt", tmp_path / "other.txt"
    host.capture.attach(tag, Logs(stdout=f"{tmp_path}/own/api-<instance>.txt", timestamps=False))
    program.stdin.write(b"one\nha")
    program.stdin.flush()
    host.until(lambda: first.exists() and first.read_bytes() == b"one\n")
    host.capture.configure("app", Logs(stdout=str(second), timestamps=False, format="json"))
    program.stdin.write(b"lf\n")
    program.stdin.flush()
    host.until(lambda: second.exists() and second.read_bytes())
    assert json.loads(second.read_bytes())["message"] == "half"
    assert first.read_bytes() == b"one\n" and not host.log(tag)


def test_a_log_is_put_aside_in_time_though_nobody_writes_and_never_empty(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compress, "DELAY", 0.01)
    path = tmp_path / "api.txt"
    path.write_text("yesterday's\n")
    os.utime(path, (time.time() - 86400,) * 2)
    old = tmp_path / "api.txt.20200101-000000-000000.gz"
    foreign = tmp_path / "api.txt.bak"
    old.touch()
    foreign.touch()
    rotate = Rotate(every="1s", maxAgeDays=30, keep=100)
    host.capture.configure("app", Logs(stdout=str(path), rotate=rotate))
    host.until(lambda: not old.exists())
    host.until(lambda: len(logfile.rotated(path)) == 1)
    host.until(lambda: logfile.rotated(path)[0].suffix == ".gz")
    assert gzip.decompress(logfile.rotated(path)[0].read_bytes()) == b"yesterday's\n"
    assert foreign.exists() and not path.exists()
    tag = tag_of("a")
    host.start(tag, "import time\nwhile True: print('x' * 50, flush=True); time.sleep(0.05)")
    host.capture.attach(tag, Logs(stdout=str(path), timestamps=False, rotate=rotate))
    host.until(lambda: len(logfile.rotated(path)) >= 3)
    host.until(lambda: logfile.rotated(path)[1].suffix == ".gz")
    assert len(gzip.decompress(logfile.rotated(path)[1].read_bytes())) >= 51


def test_a_chunk_that_an_unreachable_log_has_in_part_is_settled_before_others_write_there(
    host: Host, tmp_path: Path
) -> None:
    """Killed amid a write to a log of several; the log cannot be opened for a while then."""
    path = tmp_path / "one.log"
    path.write_bytes(b"before\nlon")
    one, other = tag_of("a"), Tag("store", "app", 1, "0123456789ab.-", "b")
    logs = Logs(stdout=str(path), merge=True, timestamps=False)
    for tag in (one, other):
        host.start(tag, "import sys\nfor line in sys.stdin: print(line, end='', flush=True)")
    host.capture.close()
    name = fifo.name_of(one, "out")
    carry = host.state / "fifo" / f"{name}.carry"
    header = Header(str(path), path.stat().st_ino, 7, "", str(carry), style="cut")
    (host.state / "spool").write_bytes(header.page() + b"long\nlonger\n")
    path.rename(tmp_path / "aside")
    path.mkdir()
    host.capture = host.controller()
    assert carry.with_suffix(".spool").exists()
    path.rmdir()
    (tmp_path / "aside").rename(path)
    host.capture.attach(other, logs)
    program = host.programs[1]
    assert program.stdin is not None
    program.stdin.write(b"other\n")
    program.stdin.flush()
    host.until(lambda: b"other\n" in path.read_bytes())
    host.capture.attach(one, logs)
    assert path.read_bytes() == b"before\nother\nlong\nlonger\n"


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_stands_within_one_that_is_too_long_to_wait_for(
    host: Host, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "one.log"
    logs = Logs(stdout=str(path), timestamps=False, format=form)
    long, short = tag_of("a"), Tag("store", "app", 1, "0123456789ab.-", "b")
    said = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
    endless = "import os\nfor _ in range(1000): os.write(1, b'x' * 3000)\ninput(); print()\ninput()"
    programs = [host.start(long, endless), host.start(short, said)]
    for tag in (long, short):
        host.capture.attach(tag, logs)
    host.until(lambda: path.exists() and path.stat().st_size > 2**20)
    for program in programs[::-1]:
        assert program.stdin is not None
        program.stdin.write(b"said\n")
        program.stdin.flush()
        host.until(lambda: b"said" in path.read_bytes())

    def lines() -> list[str]:
        found = path.read_text().splitlines()
        return [json.loads(line)["message"] for line in found] if form == "json" else found

    host.until(lambda: sum(line.count("x") for line in lines()) == 3_000_000)
    assert {"".join(sorted(set(line))) for line in lines()} == {"x", "adis"}
    assert lines().count("said") == 1 and len(lines()) < 6


def test_logs_of_forgotten_runs_are_removed_wherever_they_are(host: Host, tmp_path: Path) -> None:
    names = ["run-1.txt", "run-1.txt.20261124-031500-000000.gz", "run-12.txt", "run-x.txt"]
    for name in (*names, "all.txt"):
        (tmp_path / name).touch()
    own = host.state / "logs" / "app"
    own.mkdir(parents=True)
    (own / "1.err.log").touch()
    host.capture.configure("app", Logs(stdout=f"{tmp_path}/run-<instance>.txt"))
    host.capture.keep("app", {12})
    assert {file.name for file in tmp_path.glob("*.txt*")} == {*names[2:], "all.txt"}
    assert not list(own.iterdir())


@needs_root
def test_a_declared_place_in_a_users_folder_leads_nowhere_else(host: Host, tmp_path: Path) -> None:
    """The app's user puts a link to root's file where its log is declared to go."""
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o011)
    own, secret = tmp_path / "own", tmp_path / "secret"
    own.mkdir()
    os.chown(own, 65534, 65534)
    secret.write_text("root's\n")
    (own / "x.log").symlink_to(secret)
    os.lchown(own / "x.log", 65534, 65534)
    tag = tag_of("a")
    streams = host.capture.open(tag, 65534, 65534)
    command = ["/bin/sh", "-c", "echo said; read _"]
    program = subprocess.Popen(
        command, user=65534, group=65534, stdin=subprocess.PIPE, stdout=streams.stdout
    )
    host.programs.append(program)
    streams.close()
    host.capture.attach(tag, Logs(stdout=str(own / "x.log"), timestamps=False))
    host.until(lambda: host.troubles)
    assert "is a link, so recon does not touch it" in str(host.troubles[0][1])
    (own / "x.log").unlink()
    host.until(lambda: host.troubles[-1] == ("app", None))
    assert (own / "x.log").read_text() == "said\n"
    assert (own / "x.log").stat().st_uid == 65534
    assert secret.read_text() == "root's\n"
