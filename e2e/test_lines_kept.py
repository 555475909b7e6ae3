"""No line is lost that a process writes while no controller runs, also where it ends meanwhile."""

from __future__ import annotations

import os
import re
import signal
from collections import defaultdict
from pathlib import Path

from e2e.harness import Recon, alive
from e2e.programs import SLEEP, python
from e2e.reliability import results
from e2e.reliability.results import Row
from reconciler.logs.write import holder_process
from reconciler.state.paths import StatePaths, store_id
from tests.waiting import until

APPS, INSTANCES, LINES, ROUNDS = 2, 4, 1200, 4
WAITS = 1_000_000 if os.geteuid() == 0 else 60_000
"""Bytes that fit into one FIFO, whatever else runs for this user."""


def storm(notes: Path, go: Path) -> list[str]:
    """Numbers its lines on both streams, notes that it began and how much it wrote, and ends. Of
    some the last line has no end. It ends only while ``go`` is there."""
    return python(
        "import os, time\n"
        f"notes, go = {str(notes)!r}, {str(go)!r}\n"
        "who = os.environ['RECON_ID'].rsplit('/', 1)[1]\n"
        "open(f'{notes}/{who}.began', 'w').close()\n"
        f"for n in range(1, {LINES} + 1):\n"
        "    os.write(1 + n % 2, f'{who} {n}\\n'.encode())\n"
        "    if n % 100 == 0: time.sleep(0.01)\n"
        "while not os.path.exists(go): time.sleep(0.01)\n"
        "for n in (1, 2): os.write(n, f'{who} {n + LINES}'.encode())\n".replace("LINES", str(LINES))
        + "os.rename(f'{notes}/{who}.began', f'{notes}/{who}.ended')\n"
    )


def store(recon: Recon) -> str:
    return store_id(StatePaths(recon.state.resolve()))


def holder(recon: Recon) -> int:
    """Its pid; 0 where there is none. Never more than one while a controller runs."""
    found = [pid for pid in _pids() if holder_process.is_holder(pid, store(recon))]
    assert len(found) <= 1
    return found[0] if found else 0


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def nonces(notes: Path, kind: str) -> set[str]:
    return {path.stem for path in notes.glob(f"*.{kind}")}


def test_a_storm_of_processes_that_end_while_no_controller_runs(
    recon: Recon, tmp_path: Path
) -> None:
    notes, go = tmp_path / "notes", tmp_path / "go"
    notes.mkdir()
    logs = {"timestamps": False, "rotate": {"size": "20Ki", "keep": 1000, "compress": False}}
    for app in range(APPS):
        recon.app(
            f"storm{app}",
            storm(notes, go),
            instances=INSTANCES,
            logs=logs,
            backoff={"initialSeconds": 0.1, "maxSeconds": 0.1},
        )
    alone = 0
    for number in range(ROUNDS):
        recon.run()
        ended = nonces(notes, "ended")
        until(lambda: len(nonces(notes, "began")) == APPS * INSTANCES, what="all are there")
        first = until(lambda: holder(recon), what="a holder")
        if number % 2:
            os.kill(first, signal.SIGKILL)
            until(lambda: holder(recon) not in (0, first), what="another holder")  # noqa: B023
        recon.kill_controller(unsaved=True)
        go.touch()
        until(lambda: not nonces(notes, "began"), what="all have ended")
        until(lambda: not _programs(notes), what="none is left")
        alone += len(nonces(notes, "ended") - ended)
        go.unlink()
    recon.run()
    until(lambda: len(nonces(notes, "began")) == APPS * INSTANCES, what="all run again")
    recon.cli("down")
    lost, doubled, written = check(recon, notes)
    assert alone >= ROUNDS * APPS * INSTANCES
    figures = {"processes": alone, "lines": written, "lost": lost, "doubled": doubled}
    row = Row(
        "processes that end while no controller runs",
        "numbered lines on two streams, rotated logs, kill -9 of controller and holder in turn",
        "failed" if lost or doubled else "held",
    )
    results.add("lines", [row], {"storm": figures})
    assert (lost, doubled) == (0, 0)
    until(lambda: not holder(recon), what="no holder")


def check(recon: Recon, notes: Path) -> tuple[int, int, int]:
    """Lines lost, doubled and written, of all processes that ended."""
    found: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for app in range(APPS):
        for instance in range(INSTANCES):
            for stream in ("out", "err"):
                for line in recon.log(f"storm{app}", instance, stream):
                    match = re.fullmatch(r"(\w+) (\d+)", line)
                    assert match, f"a torn line: {line!r}"
                    found[match[1]][int(match[2])] += 1
    ended = nonces(notes, "ended")
    wanted = range(1, LINES + 3)
    lost = sum(found[who][n] == 0 for who in ended for n in wanted)
    doubled = sum(count > 1 for numbers in found.values() for count in numbers.values())
    return lost, doubled, len(ended) * len(wanted)


def _programs(notes: Path) -> list[int]:
    place = os.fsencode(notes)
    return [pid for pid in _pids() if place in _command(pid) and alive(pid)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_full_pipe_and_a_long_unfinished_line_of_a_process_that_ended(
    recon: Recon, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    recon.app(
        "last",
        python(
            "import os, time\n"
            f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
            f"lines = b''.join(b'%06d\\n' % n for n in range({WAITS * 12 // 100}))\n"
            f"text = lines + b'x' * {WAITS // 5}\n"
            f"assert os.write(1, text[:{WAITS}]) == {WAITS}\n"
            f"assert os.write(2, text[{WAITS}:]) == len(text) - {WAITS}\n"
        ),
        restartPolicy="Never",
        logs={"timestamps": False},
    )
    recon.app("other", SLEEP)
    recon.run()
    (pid,) = until(lambda: [*recon.pids("last").values()], what="it runs")
    recon.kill_controller()
    go.touch()
    until(lambda: not alive(pid), what="it has ended")
    go.unlink()  # its end was not seen, so it runs again, and waits
    recon.run()
    until(lambda: len(recon.log("last", stream="err")) == 1, what="written")
    text = "".join(f"{n:06}\n" for n in range(WAITS * 12 // 100)) + "x" * (WAITS // 5)
    logs = recon.state / "logs" / "last"
    assert (logs / "0.out.log").read_text() == text[:WAITS] + "\n"
    assert (logs / "0.err.log").read_text() == text[WAITS:] + "\n"
    row = Row("a full pipe and a long unfinished line", f"{WAITS:,} bytes wait in one FIFO", "held")
    results.add("lines", [row])


def test_the_holder_outlives_a_stop_of_the_controller_and_ends_with_the_apps(recon: Recon) -> None:
    recon.app("web", SLEEP)
    recon.run()
    recon.healthy("web", ready=1)
    first = holder(recon)
    assert recon.controller is not None and first
    recon.controller.terminate()
    recon.controller.wait()
    assert holder(recon) == first
    recon.run()
    recon.healthy("web", ready=1)
    assert holder(recon) not in (0, first)
    recon.cli("down")
    until(lambda: not holder(recon), what="no holder")
