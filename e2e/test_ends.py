"""What a program leaves behind when it ends, and a stop that is edited while it goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.harness import Recon, alive, manifest
from tests.waiting import until

LEAVES = """
trap '' TERM
(trap '' TERM; trap 'touch {home}/asked; while [ ! -e {home}/go ]; do sleep 0.05; done; exit' USR1
 echo $BASHPID > {home}/child; while :; do sleep 0.05; done) &
while [ ! -s {home}/child ]; do sleep 0.01; done
exit 1
"""


def test_what_a_crash_leaves_behind_gets_the_apps_own_signal_and_is_waited_for(
    recon: Recon, tmp_path: Path
) -> None:
    recon.app(
        "web",
        ["bash", "-c", LEAVES.format(home=tmp_path)],
        stop={"signal": "SIGUSR1"},
        terminationGracePeriodSeconds=3600,
    )
    recon.run()
    until((tmp_path / "asked").exists, what="its child gets SIGUSR1")
    child = int((tmp_path / "child").read_text())
    told = until(
        lambda: _message(recon, "remaining processes"), what="status says what is waited for"
    )
    assert f"pid {child}" in told and "SIGUSR1" in told and "3600 s" in told
    (tmp_path / "go").touch()
    until(lambda: not alive(child))


def test_a_program_that_goes_into_the_background_is_told_to_stay(
    recon: Recon, tmp_path: Path
) -> None:
    command = f"sleep 1000 & echo $! >> {tmp_path}/pids; exit 0"
    recon.app("daemon", ["bash", "-c", command])
    recon.run()
    told = until(lambda: _message(recon, "keep it in the foreground"))
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert any(f"left pid {pid} running and exited" in told for pid in pids)
    events = recon.cli("events")
    assert "LeftBehind" in events
    together = 0
    while len(pids) < 4:  # the ladder is climbed meanwhile
        pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
        together = max(together, sum(map(alive, pids)))
    assert together == 1, "one copy, whatever it leaves behind"


VANISHES = """
setsid -f env -i sh -c 'echo $$ >> {file}; exec sleep 100000' </dev/null >/dev/null 2>&1
while [ "$(wc -l < {file})" = "{count}" ]; do sleep 0.01; done
exit 1
"""
"""Forks, leads a session, has no environment and no output of ours; then its parent crashes. All
within milliseconds, before anything looks."""


@pytest.fixture
def vanished(tmp_path: Path) -> Iterator[Callable[[str], list[int]]]:
    """The pids of what an app has let go of, the oldest first."""

    def pids(name: str) -> list[int]:
        file = tmp_path / name
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    yield pids
    for file in tmp_path.glob("gone-*"):
        for pid in filter(alive, pids(file.name)):
            os.kill(pid, signal.SIGKILL)


def test_of_many_that_start_at_once_none_leaves_a_copy_that_nobody_knows(
    recon: Recon, tmp_path: Path, vanished: Callable[[str], list[int]]
) -> None:
    recon.run()
    names = [f"gone-{number}" for number in range(8)]
    documents = []
    for name in names:
        file = tmp_path / name
        script = f"touch {file}; n=$(wc -l < {file}); " + VANISHES.format(file=file, count="$n")
        documents.append(manifest(name, ["bash", "-c", script], terminationGracePeriodSeconds=1))
    recon.write("all.yaml", "\n---\n".join(documents))
    for name in names:
        until(lambda name=name: len(vanished(name)) > 2, what=f"{name} crashes again")  # type: ignore[misc]  # mypy cannot infer a default
    together = [sum(map(alive, vanished(name))) for name in names]
    assert max(together) <= 1, together
    recon.cli("down")
    assert [pid for name in names for pid in vanished(name) if alive(pid)] == []


def test_a_grace_that_is_shortened_during_a_stop_holds_for_it(recon: Recon, tmp_path: Path) -> None:
    command = ["bash", "-c", f"trap '' TERM; touch {tmp_path}/up; while :; do sleep 0.05; done"]
    recon.app("web", command, terminationGracePeriodSeconds=3600)
    recon.run()
    until((tmp_path / "up").exists)
    (pid,) = recon.pids("web").values()
    recon.app("web", command, terminationGracePeriodSeconds=3600, suspend=True)
    until(lambda: "stopping" in {one["state"] for one in recon.of("web")["instances"]})
    recon.app("web", command, terminationGracePeriodSeconds=1, suspend=True)
    until(lambda: not alive(pid), what="the new grace to be over")


def _message(recon: Recon, part: str) -> str:
    message = str(recon.of(recon.status()["apps"][0]["name"])["message"])
    return message if part in message else ""
