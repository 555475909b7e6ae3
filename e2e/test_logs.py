"""Every line that a program writes is in its log once, whatever happens to disk and controller."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from e2e.harness import Recon
from e2e.programs import SLEEP, numbered, python
from tests.waiting import until

FLOOD = python(
    "import os, time\n"
    "for n in range(1, 300_001): os.write(1, b'%06d %s\\n' % (n, b'x' * 90))\n"
    "os.write(2, b'flood is over\\n')\n"
    "time.sleep(100000)\n"
)


def test_flood_loses_nothing_is_rotated_between_lines_and_starves_nobody(recon: Recon) -> None:
    rotate = {"size": "4Mi", "keep": 100, "compress": False}
    recon.app("flood", FLOOD, logs={"timestamps": False, "rotate": rotate})
    recon.app("web", SLEEP)
    recon.run()
    recon.healthy("web", ready=1)  # while the flood goes on
    until(lambda: recon.log("flood", stream="err") == ["flood is over"], what="over")
    until(lambda: len(recon.log("flood")) == 300_000, what="all is written")
    lines = recon.log("flood")
    assert [int(line[:6]) for line in lines] == list(range(1, 300_001))
    assert {len(line) for line in lines} == {97}
    files = list((recon.state / "logs" / "flood").glob("0.out.log*"))
    assert len(files) > 5
    for file in files:
        assert file.read_bytes().endswith(b"\n")


def test_old_logs_are_compressed_and_only_some_kept(recon: Recon) -> None:
    rotate = {"size": "200Ki", "keep": 2}
    recon.app("chatty", numbered(0.0001, prefix="x" * 500), logs={"rotate": rotate})
    recon.run()
    folder = recon.state / "logs" / "chatty"
    until(lambda: len(list(folder.glob("*.gz"))) >= 2, what="compressed")
    recon.app("chatty", SLEEP)
    recon.healthy("chatty", ready=1)

    def settled() -> bool:
        rotated = [file for file in folder.iterdir() if file.name != "0.out.log"]
        rotated = [file for file in rotated if file.name.startswith("0.out.log.")]
        return len(rotated) == 2 and all(file.suffix == ".gz" for file in rotated)

    until(settled, what="two are kept, compressed")
    text = recon.cli("logs", "chatty", "--lines", "5")
    assert len(text.splitlines()) == 5


def test_logs_are_merged_filtered_and_followed(recon: Recon) -> None:
    recon.app("a", python("import time; print('alpha one'); print('alpha two'); time.sleep(1e5)"))
    recon.app("b", python("import sys,time; print('beta', file=sys.stderr); time.sleep(1e5)"))
    recon.run()
    until(lambda: len(recon.log("a")) == 2 and recon.log("b", stream="err"), what="output")
    text = recon.cli("logs")
    assert "alpha one" in text and "beta" in text
    assert "beta" not in recon.cli("logs", "--stdout")
    assert "alpha" not in recon.cli("logs", "--stderr")
    assert recon.cli("logs", "a", "--lines", "1").strip().endswith("alpha two")
    assert "two" not in recon.cli("logs", "a", "--grep", "one$")
    assert "alpha" in recon.cli("logs", "a", "--since", "10m")
    from e2e.harness import PROGRAM

    recon.app("c", numbered(0.01))
    following = subprocess.Popen(
        [PROGRAM, "logs", "c", "-f", "-n", "100000"],
        stdout=subprocess.PIPE,
        text=True,
        env=recon.environment,
    )
    try:
        assert following.stdout is not None
        lines = [following.stdout.readline() for _ in range(30)]
        assert [int(re.findall(r"\d+", line)[-1]) for line in lines] == list(range(1, 31))
    finally:
        following.kill()
        following.communicate()


def test_time_of_each_line_is_written_unless_it_is_unwanted(recon: Recon) -> None:
    recon.app("with", python("print('hello')"), restartPolicy="Never")
    recon.app("bare", python("print('hello')"), restartPolicy="Never", logs={"timestamps": False})
    recon.run()
    folder = recon.state / "logs"
    until(lambda: recon.log("with") and recon.log("bare"), what="written")
    text = (folder / "with" / "0.out.log").read_text()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z hello\n", text)
    assert (folder / "bare" / "0.out.log").read_text() == "hello\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: mounting a small disk needs root")
def test_full_disk_stops_no_app_and_shows_as_a_condition(recon: Recon, tmp_path: Path) -> None:
    logs = recon.state / "logs"
    logs.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", logs], check=True)
    try:
        alive = tmp_path / "alive"
        writer = python(
            "import os, time\n"
            "n = 0\n"
            "while True:\n"
            "    os.write(1, b'x' * 999 + b'\\n'); n += 1\n"
            f"    if n % 100 == 0: open({str(alive)!r}, 'w').write(str(n)); time.sleep(0.001)\n"
        )
        recon.app("writer", writer, logs={"rotate": {"size": "100Mi"}})
        recon.app("other", SLEEP)
        recon.run()

        def trouble() -> bool:
            return any(c["type"] == "LogsDropped" for c in recon.of("writer")["conditions"])

        until(trouble, what="the condition")
        pids = recon.pids("writer")
        before = int(until(alive.read_text, what="its count"))  # empty while it is rewritten
        until(lambda: int(alive.read_text() or 0) > before + 3000, what="it goes on")
        assert recon.pids("writer") == pids
        assert "No space left" in recon.cli("describe", "writer")
        assert recon.of("writer")["ready"] == 1
        (recon.manifests / "writer.yaml").unlink()
        recon.cli("apply", "--confirm-prune")
    finally:
        recon.close()
        subprocess.run(["umount", "-l", logs], check=True)


COUNTING = python(
    "import os, sys, time\n"
    "n = 0\n"
    "while True:\n"
    "    n += 1\n"
    "    os.write(1 + n % 2, b'%s %d\\n' % (os.environ['WHO'].encode(), n)); time.sleep(0.002)\n"
)


def test_another_place_and_form_of_logs_restarts_nothing_and_loses_nothing(
    recon: Recon, tmp_path: Path
) -> None:
    """Two instances with both streams: first apart, then in one file as JSON, a crash between."""
    spec = {"instances": 2, "env": {"WHO": {"perInstance": 0}}, "minReadySeconds": 0}
    recon.app("api", COUNTING, **spec)
    recon.run()
    recon.healthy("api", ready=2)
    until(lambda: recon.log("api") and recon.log("api", 1), what="some lines")
    before = recon.pids("api")
    shared = tmp_path / "own" / "api.txt"
    declared = {"stdout": "../own/api.txt", "merge": True, "format": "json"}
    declared["rotate"] = {"size": "50Ki", "keep": 1000, "compress": False}
    recon.app("api", COUNTING, **spec, logs=declared)
    until(lambda: shared.exists() and shared.read_bytes(), what="written there")
    assert recon.controller is not None
    recon.controller.kill()
    recon.controller.wait()
    recon.run()
    until(lambda: len(list(shared.parent.iterdir())) > 3, what="rotated a few times")
    recon.healthy("api", ready=2, revision=1)
    assert recon.pids("api") == before
    recon.cli("down")  # all that was written is in the log then
    recon.controller = None
    whole = recon.cli("logs", "api", "--lines", "100000")
    for who in (0, 1):
        lines = [line for line in whole.splitlines() if line.startswith(f"api-{who} ")]
        numbers = {int(line.split()[-1]) for line in lines}
        assert len(lines) == len(numbers), "none is there twice"
        assert set(range(1, max(numbers) + 1)) == numbers, "none is missing"
        assert max(numbers) > 200
        assert {line.split()[1] for line in lines} == {"|", "!"}
    assert " | " not in recon.cli("logs", "api", "--stderr", "--lines", "50")
    assert "stdout: " in recon.cli("describe", "api")


def test_time_rotates_compresses_and_can_be_looked_up(recon: Recon, tmp_path: Path) -> None:
    logs = {
        "stdout": "../own/<app>-<instance>.log",
        "timestamps": "%Y-%m-%d %H:%M:%S",
        "rotate": {"every": "1s", "keep": 100},
    }
    recon.app("clock", numbered(0.01), logs=logs)
    recon.run()
    folder = tmp_path / "own"
    until(lambda: len(list(folder.glob("clock-0.log.*.gz"))) >= 3, what="compressed")
    lines = recon.cli("logs", "clock", "--since", "10m", "--timestamps").splitlines()
    numbers = numbers_of(lines)
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 100
    assert all(line.startswith("clock-0 | 20") for line in lines)
    first = " ".join(lines[0].split()[2:4])[:19]  # to the second
    window = recon.cli("logs", "clock", "--since", first, "--until", first, "-t").splitlines()
    assert 0 < len(window) < len(lines) and window == lines[: len(window)]
    tail = recon.cli("logs", "clock", "--until", first, "--lines", "3").splitlines()
    assert numbers_of(tail) == numbers[: len(window)][-3:]


def numbers_of(lines: list[str]) -> list[int]:
    return [int(re.findall(r"\d+", line)[-1]) for line in lines]


def test_two_apps_that_want_one_file_are_told_and_the_first_goes_on(recon: Recon) -> None:
    recon.app("first", SLEEP, logs={"stdout": "../one.log"})
    recon.run()
    recon.healthy("first")
    recon.app("second", SLEEP, logs={"stderr": "../one.log"})
    text = recon.cli("validate", code=1)
    assert "one.log is also written to by first" in text and "one.log is also written to by" in text
    assert re.search(r"second\.yaml:\d+:\d+", text)
    recon.app("second", SLEEP, logs={"stderr": str(recon.state / "logs" / "x.log")})
    assert "recon's own state directory" in recon.cli("validate", code=1)
    assert recon.of("first")["health"] == "Healthy"


def test_logs_are_found_again_when_the_state_was_lost(recon: Recon, tmp_path: Path) -> None:
    place = tmp_path / "own" / "web.log"
    recon.app("web", numbered(0.05), logs={"stdout": str(place), "timestamps": False})
    recon.run()

    def shown() -> bool:
        return bool(re.search(r"^web +\| \d+ \d+$", recon.cli("logs", "web", code=None), re.M))

    until(shown, what="output")
    recon.state.rename(tmp_path / "lost")  # at once: it is made again meanwhile
    shutil.rmtree(tmp_path / "lost")
    until(shown, what="a running controller writes down again where it is")


def test_recon_down_writes_the_last_words_of_the_last_process_and_leaves_no_fifo(
    recon: Recon,
) -> None:
    trap = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done"
    recon.app("web", ["sh", "-c", trap])
    recon.run()
    recon.wrote("web", "up")
    recon.cli("down")
    assert recon.log("web") == ["up", "bye"]
    left = [path for folder in recon.fifos for path in Path(folder).glob("*")]
    assert not left, left
