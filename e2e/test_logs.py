"""Every line that a program writes is in its log once, whatever happens to disk and controller."""

from __future__ import annotations

import os
import re
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
    until(lambda: recon.log("flood", stream="err") == ["flood is over"], seconds=60, what="over")
    until(lambda: len(recon.log("flood")) == 300_000, seconds=60, what="all is written")
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
    until(lambda: len(list(folder.glob("*.gz"))) >= 2, seconds=60, what="compressed")
    recon.app("chatty", SLEEP)
    recon.healthy("chatty", ready=1)

    def settled() -> bool:
        rotated = [file for file in folder.iterdir() if file.name != "0.out.log"]
        rotated = [file for file in rotated if file.name.startswith("0.out.log.")]
        return len(rotated) == 2 and all(file.suffix == ".gz" for file in rotated)

    until(settled, seconds=60, what="two are kept, compressed")
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

    following = subprocess.Popen(
        [PROGRAM, "logs", "c", "-f"], stdout=subprocess.PIPE, text=True, env=recon.environment
    )
    try:
        recon.app("c", numbered(0.01))
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

        until(trouble, seconds=60, what="the condition")
        pids = recon.pids("writer")
        before = int(until(alive.read_text, what="its count"))  # empty while it is rewritten
        until(lambda: int(alive.read_text() or 0) > before + 3000, seconds=60, what="it goes on")
        assert recon.pids("writer") == pids
        assert "No space left" in recon.cli("describe", "writer")
        assert recon.of("writer")["ready"] == 1
        (recon.manifests / "writer.yaml").unlink()
        recon.cli("apply", "--confirm-prune", seconds=90)
    finally:
        recon.close()
        subprocess.run(["umount", "-l", logs], check=True)
