"""What one app's files hold is no matter to another: it comes back as fast as ever.

Each case once kept the controller from everything else for minutes, or forever.
"""

from __future__ import annotations

import fcntl
import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from e2e.deadmount import dead
from e2e.harness import Recon
from tests.waiting import until

KILLS = 3
SLOWER = 20
"""A frozen controller is slower by thousands; a busy machine, now and then, by a few."""

Freeze: TypeAlias = Callable[[Recon, Path, ExitStack], None]


def watched(recon: Recon, folder: Path) -> None:
    watch = {"paths": ["."], "settleSeconds": 0.05}
    recon.app("slow", "sleep 1000", cwd=str(folder), watch=watch, minReadySeconds=0)


def sparse(size: int) -> Freeze:
    def freeze(recon: Recon, folder: Path, stack: ExitStack) -> None:
        with (folder / "sparse").open("wb") as file:
            file.truncate(size)

    return freeze


def farm(recon: Recon, folder: Path, stack: ExitStack) -> None:
    for one in "abcdefgh":
        (folder / one).mkdir()
        (folder / one / "file").write_text(one)
        for other in "abcdefgh":
            if other != one:
                (folder / one / other).symlink_to(folder / other)


def link_to(target: str) -> Freeze:
    def freeze(recon: Recon, folder: Path, stack: ExitStack) -> None:
        (folder / "link").symlink_to(target)

    return freeze


def leased(recon: Recon, folder: Path, stack: ExitStack) -> None:
    path = folder / "text"
    path.write_text("leased")
    file = stack.enter_context(path.open("r+"))
    stack.callback(signal.signal, signal.SIGIO, signal.signal(signal.SIGIO, signal.SIG_IGN))
    os.utime(path)
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)


def a_slow_pattern(recon: Recon, folder: Path, stack: ExitStack) -> None:
    """Seven stars and a long name: many ways to share it among them."""
    watch = {"paths": ["."], "settleSeconds": 0.05, "ignore": ["*a*a*a*a*a*a*a*b"]}
    recon.app("slow", "sleep 1000", cwd=str(folder), watch=watch, minReadySeconds=0)
    (folder / ("a" * 200)).write_text("text")


CASES = {
    "a pattern to ignore with many stars": a_slow_pattern,
    "a sparse file of 16 GiB": sparse(16 << 30),
    "a sparse file of 8 TiB": sparse(8 << 40),
    "folders that link to each other": farm,
    "a link to /proc": link_to("/proc"),
    "a link to /dev/zero": link_to("/dev/zero"),
    "a file with a lease": leased,
}


SLOW = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
"""61 bytes, on which the pattern backtracks for longer than anybody lives."""


@pytest.mark.parametrize("kind", ["a slow pattern", "a FIFO", "a link to /dev/zero", "8 TiB"])
def test_another_app_comes_back_as_fast_while_a_log_is_looked_through(
    recon: Recon, tmp_path: Path, kind: str
) -> None:
    log = tmp_path / "slow.log"
    probe = {"log": r"^(\w+\s?)*: ready$", "periodSeconds": 1}
    command = ["sh", "-c", f"sleep 0.5; echo {SLOW}; exec sleep 1000"]
    recon.app("slow", command, logs={"stdout": str(log)}, readinessProbe=probe)
    others = Others(recon, tmp_path)
    recon.run()
    before = others.come_back()
    if kind != "a slow pattern":
        until(log.exists, what="its log is made")
        log.unlink()
    if kind == "a FIFO":
        os.mkfifo(log)
    elif kind == "a link to /dev/zero":
        log.symlink_to("/dev/zero")
    elif kind == "8 TiB":
        with log.open("wb") as file:
            file.truncate(8 << 40)
    else:
        told = "takes too long on its output; simplify it"
        until(lambda: told in recon.of("slow")["message"], what=told)
    assert others.come_back() < SLOWER * before
    assert recon.controller is not None
    recon.controller.terminate()
    assert recon.controller.wait(timeout=60) == 0


@pytest.mark.parametrize("case", CASES)
def test_another_app_comes_back_as_fast_as_ever(recon: Recon, tmp_path: Path, case: str) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "text").write_text("one")
    watched(recon, folder)
    others = Others(recon, tmp_path)
    recon.run()
    recon.healthy("slow")
    before = others.come_back()
    with frozen(CASES[case], recon, folder):
        assert others.come_back() < SLOWER * before
        # And it hears of an edit, and of the end.
        recon.app("new", "sleep 1000", minReadySeconds=0)
        recon.healthy("new")
    assert recon.controller is not None
    recon.controller.terminate()
    assert recon.controller.wait(timeout=60) == 0


def test_what_cannot_be_watched_is_named_at_the_first_start_and_in_the_plan(
    recon: Recon, tmp_path: Path
) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "text").write_text("one")
    with (folder / "core").open("wb") as file:
        file.truncate(8 << 40)
    watched(recon, folder)
    recon.app("other", "sleep 1000", minReadySeconds=0)
    remedy = "core is too large to watch (8,192.0Gi, at most 1.0Gi); name it in `ignore`"
    assert remedy in recon.cli("apply", "--dry-run", code=None)
    recon.run()
    recon.healthy("other")
    app = recon.wait("slow", sync="Unknown", health="Healthy")
    assert remedy in app["message"]
    assert "slow.yaml" in recon.cli("status", "slow", code=None)
    # What the message says helps.
    watch = {"paths": ["."], "ignore": ["core"]}
    recon.app("slow", "sleep 1000", cwd=str(folder), watch=watch, minReadySeconds=0)
    recon.healthy("slow")


def an_env_file(recon: Recon, mount: Path) -> Path:
    recon.app("slow", "sleep 1001", envFrom=[str(mount / ".env")], minReadySeconds=0)
    return mount


def a_working_directory(recon: Recon, mount: Path) -> Path:
    recon.app("slow", "sleep 1001", cwd=str(mount), minReadySeconds=0)
    return mount


def a_log(recon: Recon, mount: Path) -> Path:
    logs = {"stdout": str(mount / "slow.log")}
    recon.app("slow", "sleep 1001", logs=logs, minReadySeconds=0)
    return mount


def a_manifest_behind_a_link(recon: Recon, mount: Path) -> Path:
    manifest = recon.manifests / "slow.yaml"
    (mount.parent / "fresh").symlink_to(mount / "slow.yaml")
    (mount.parent / "fresh").rename(manifest)
    return manifest


def a_folder_of_manifests(recon: Recon, mount: Path) -> Path:
    folder = recon.manifests / "more"
    folder.symlink_to(mount)
    return folder


def a_folder_to_watch(recon: Recon, mount: Path) -> Path:
    recon.app("slow", "sleep 1001", watch={"paths": [str(mount)]}, minReadySeconds=0)
    return mount


UNANSWERED = (
    an_env_file,
    a_working_directory,
    a_log,
    a_manifest_behind_a_link,
    a_folder_of_manifests,
)


@pytest.mark.parametrize("refer", UNANSWERED)
def test_a_file_system_that_does_not_answer_holds_up_nobody_and_is_named(
    recon: Recon, tmp_path: Path, refer: Callable[[Recon, Path], Path]
) -> None:
    mount = tmp_path / "far"
    mount.mkdir()
    (mount / ".env").write_text("A=1")
    manifest = recon.app("slow", "sleep 1000", minReadySeconds=0)
    (mount / "slow.yaml").write_text(manifest.read_text())
    others = Others(recon, tmp_path)
    recon.run()
    recon.healthy("slow")
    before = others.come_back()
    pids = recon.pids("slow")
    with dead(mount):
        path = refer(recon, mount)
        assert others.come_back() < SLOWER * before
        recon.app("new", "sleep 1000", minReadySeconds=0)
        recon.healthy("new")
        told = f"{path} does not answer"
        until(lambda: told in recon.cli("status", code=None), what=told)
        assert recon.pids("slow") == pids
    # It answers again, and is followed.
    until(lambda: told not in recon.cli("status", code=None), what="it answers again")


def test_a_controller_starts_where_its_manifests_do_not_answer_and_hears_its_end(
    recon: Recon,
) -> None:
    told = f"{recon.manifests} does not answer"
    with dead(recon.manifests):
        controller = recon.run()
        until(lambda: told in recon.cli("status", code=None), what=told)
        controller.terminate()
        assert controller.wait(timeout=60) == 0


@pytest.mark.parametrize("refer", [an_env_file, a_folder_to_watch])
def test_without_a_controller_the_path_is_named_and_all_else_is_told(
    recon: Recon, tmp_path: Path, refer: Callable[[Recon, Path], Path]
) -> None:
    mount = tmp_path / "far"
    mount.mkdir()
    recon.app("slow", "sleep 1000", minReadySeconds=0)
    recon.app("other", "sleep 1000", minReadySeconds=0)
    path = refer(recon, mount)
    with dead(mount):
        for verb in (("status",), ("apply", "--dry-run")):
            shown = recon.cli(*verb, code=None, seconds=60)
            assert f"{path} does not answer" in shown, verb
        assert "+ other" in shown


@contextmanager
def frozen(freeze: Freeze, recon: Recon, folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        freeze(recon, folder, stack)
        (folder / "another").write_text("heard of")
        yield


class Others:
    """Apps that are killed once each, and write down when they are started."""

    def __init__(self, recon: Recon, home: Path) -> None:
        self._files = [home / f"started-{number}" for number in range(2 * KILLS)]
        for number, file in enumerate(self._files):
            command = ["sh", "-c", f"echo $$ >> {file}; exec sleep 1000"]
            recon.app(f"other-{number}", command, minReadySeconds=0)

    def come_back(self) -> float:
        """Seconds that it takes to be started again, the median of some."""
        files, self._files = self._files[:KILLS], self._files[KILLS:]
        return statistics.median(map(self._time, files))

    def _time(self, file: Path) -> float:
        until(file.exists, what="it was started")
        pid = int(until(lambda: file.read_text().split(), what="it was started")[0])
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        until(lambda: len(file.read_text().split()) > 1, what="it is started again")
        return time.monotonic() - began
