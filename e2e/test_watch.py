"""Watched files: another content is a rollout, everything else is none."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from e2e.harness import Recon, replace
from e2e.programs import READER, python
from reconciler.desired.directory import settling
from reconciler.loop.watching import mounts
from tests.waiting import until


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The program's folder: it prints what is in ``dist/text`` and stays."""
    folder = tmp_path / "code"
    (folder / "dist").mkdir(parents=True)
    (folder / "dist/text").write_text("one\n")
    (folder / "main.py").write_text(READER)
    return folder


def watching(recon: Recon, code: Path, **spec: object) -> None:
    watch = {"paths": ["dist"], "settleSeconds": 0.5}
    spec = {"watch": watch, "minReadySeconds": 0, **spec}
    recon.app("web", "python3 -u main.py", cwd=str(code), **spec)


def serving(recon: Recon, code: Path, **spec: object) -> None:
    """It runs, and has read its first content."""
    watching(recon, code, **spec)
    recon.run()
    recon.healthy("web", revision=1)
    recon.wrote("web", "one")


def test_another_content_rolls_the_app_and_the_same_does_not(recon: Recon, code: Path) -> None:
    serving(recon, code)
    before = recon.pids("web")
    text = code / "dist/text"
    text.write_text("two\n")
    recon.healthy("web", revision=2)
    recon.wrote("web", "one", "two")
    assert recon.pids("web") != before
    # Touched, and built again with what it held: no change. The next change tells that all was
    # seen.
    before = recon.pids("web")
    os.utime(text)
    text.unlink()
    text.write_text("two\n")
    (code / "dist/app.log").write_text("left out")
    (code / "other").write_text("not watched")
    assert recon.pids("web") == before
    text.write_text("three\n")
    recon.healthy("web", revision=3)
    recon.wrote("web", "one", "two", "three")
    assert "dist/text changed" in recon.cli("events", "web")


def test_a_build_that_writes_for_a_while_is_one_rollout(recon: Recon, code: Path) -> None:
    serving(recon, code)
    before = recon.pids("web")
    for number in range(200):
        (code / f"dist/chunk-{number}.js").write_text(f"{number}")
    (code / "dist/text").write_text("built\n")
    recon.healthy("web", revision=2)
    recon.wrote("web", "one", "built")
    # A build that begins by removing everything stops nothing.
    for file in (code / "dist").iterdir():
        file.unlink()
    (code / "dist").rmdir()
    assert recon.pids("web") != before
    (code / "dist").mkdir()
    (code / "dist/text").write_text("anew\n")
    recon.healthy("web", revision=3)
    recon.wrote("web", "one", "built", "anew")


def test_a_slow_build_that_makes_its_folder_anew_is_one_rollout(recon: Recon, code: Path) -> None:
    watch = {"paths": ["dist"], "settleSeconds": 1}
    serving(recon, code, watch=watch)
    # It never rests for as long as settleSeconds, and takes longer than that in all.
    build = "rm -r dist; mkdir -p dist/sub; for n in 1 2 3 4 5 6 7 8 9; do echo $n > dist/sub/$n"
    build = f"{build}; sleep 0.2; done; echo built > dist/text"
    subprocess.run(["sh", "-c", build], check=True, cwd=code)
    recon.healthy("web", revision=2)
    recon.wrote("web", "one", "built")
    told = recon.cli("events", "web")
    assert told.count("ContentChanged") == 1 and "exit 1" not in told


def test_a_folder_that_took_the_place_of_another_is_the_one_that_is_watched(
    recon: Recon, code: Path
) -> None:
    serving(recon, code)
    (code / "next").mkdir()
    (code / "next/text").write_text("swapped\n")
    (code / "dist").rename(code / "old")
    (code / "next").rename(code / "dist")
    recon.healthy("web", revision=2)
    recon.wrote("web", "one", "swapped")
    (code / "dist/text").write_text("edited\n")
    recon.healthy("web", revision=3)
    recon.wrote("web", "one", "swapped", "edited")


def test_a_controller_that_comes_back_rolls_only_what_changed(recon: Recon, code: Path) -> None:
    serving(recon, code)
    before = recon.pids("web")
    recon.kill_controller()
    recon.run()
    assert recon.healthy("web", revision=1)
    assert recon.pids("web") == before
    recon.kill_controller()
    (code / "dist/text").write_text("meanwhile\n")
    # Without a controller the same is seen, and named.
    assert recon.of("web")["sync"] == "OutOfSync"
    assert "watched.dist" in recon.of("web")["drift"][0]["detail"]
    told = recon.cli("apply", "--dry-run")
    assert "watched.dist" in told and "replaces" in told
    recon.run()
    recon.healthy("web", revision=2)
    recon.wrote("web", "one", "meanwhile")


def test_new_code_that_does_not_come_up_leaves_the_old_serving(recon: Recon, code: Path) -> None:
    serving(recon, code, progressDeadlineSeconds=3, minReadySeconds=1)
    before = recon.pids("web")
    (code / "dist/text").write_text("crash\n")
    given_up = "running revision 1"
    until(lambda: given_up in recon.of("web")["message"], what=given_up)
    assert recon.pids("web") == before
    (code / "dist/text").write_text("fixed\n")
    recon.healthy("web", revision=3)


def holds(recon: Recon) -> list[dict[str, Any]]:
    """The condition that says why changes are not followed, if they are not."""
    return [one for one in recon.of("web")["conditions"] if one["type"] == "WatchHeld"]


def test_an_app_that_writes_where_it_watches_is_slowed_down_and_told(
    recon: Recon, code: Path
) -> None:
    (code / "dist/text").write_text("scribble\n")
    watching(recon, code)
    recon.run()
    (held,) = until(lambda: holds(recon), what="the loop is told")
    assert held["reason"] == "WatchLoop"
    assert "dist/scribble" in held["message"] and "watch.ignore" in held["message"]
    assert "WatchLoop" in recon.cli("events", "web")
    # What the message says fixes it.
    watching(recon, code, watch={"paths": ["dist"], "ignore": ["scribble"], "settleSeconds": 0.2})
    recon.healthy("web")
    until(lambda: not holds(recon), what="it is held no more")


def test_undo_says_that_it_brings_no_files_back(recon: Recon, code: Path) -> None:
    serving(recon, code)
    (code / "dist/text").write_text("two\n")
    recon.healthy("web", revision=2)
    told = recon.cli("rollout", "undo", "web", code=1)
    assert "only the content of dist differs" in told and "nothing was written" in told


def test_what_is_recons_to_fill_in_no_manifest_may(recon: Recon, code: Path) -> None:
    recon.app("web", "sleep 1000", watched={"dist": "c0ffee"})
    assert "watched is filled in by recon" in recon.cli("validate", code=1)


def test_our_own_logs_are_no_content_wherever_they_are(recon: Recon, code: Path) -> None:
    """In the watched folder: the app's own, rotated and compressed, and another app's."""
    rotate = {"size": "2Ki", "keep": 3}
    dist = code / "dist"
    watch = {"paths": ["dist"], "settleSeconds": 0.2, "ignore": ["!*.log", "!*.tmp"]}
    logs = {"stdout": str(dist / "out-<instance>.txt"), "rotate": rotate}
    noisy = python("import time\nwhile True: print('x' * 200, flush=True); time.sleep(0.01)")
    recon.app("noisy", noisy, logs={**logs, "stdout": str(dist / "noisy.log")})
    recon.app(
        "web",
        ["sh", "-c", "cat dist/text; while :; do echo and more of it; sleep 0.01; done"],
        cwd=str(code),
        watch=watch,
        minReadySeconds=0,
        logs=logs,
    )
    recon.run()
    recon.healthy("web", revision=1)
    pids = recon.pids("web")
    until(lambda: list(dist.glob("noisy.log.*.gz")), what="compressed")
    until(lambda: list(dist.glob("out-0.txt.*.gz")), what="compressed")
    assert "2 unchanged" in recon.cli("apply", "--dry-run")
    # A change that counts tells that all before it was seen.
    (dist / "text").write_text("two\n")
    recon.healthy("web", revision=2)
    assert "WatchLoop" not in recon.cli("events", "web")
    assert recon.pids("web") != pids
    # Logs of an app that is gone, and of places that were, are logs all the same.
    (recon.manifests / "noisy.yaml").unlink()
    until(lambda: not recon.of("noisy"), what="noisy is gone")
    assert recon.controller is not None
    recon.controller.kill()
    recon.controller.wait()
    recon.run()
    recon.healthy("web", revision=2)
    assert [e for e in recon.cli("events", "web").splitlines() if "ContentChanged" in e][1:] == []


# -- links -----------------------------------------------------------------------------------------


def relink(link: Path, target: str | Path) -> None:
    """As git-sync and kubelet do it."""
    fresh = link.with_name(f".{link.name}.new")
    fresh.symlink_to(target)
    fresh.rename(link)


def seconds_until(recon: Recon, name: str, line: str, change: Callable[[], object]) -> float:
    """From a change to the first line of the process that it brings about."""
    began = time.monotonic()
    change()
    until(lambda: line in recon.log(name), what=f"{name} writes {line}")
    return time.monotonic() - began


def test_what_changes_behind_a_link_is_seen_as_fast_as_a_plain_edit(
    recon: Recon, tmp_path: Path
) -> None:
    for number in range(8):
        folder = tmp_path / f"releases/{number}"
        folder.mkdir(parents=True)
        (folder / "env").write_text(f"A=linked-{number}\n")
        (folder / "text").write_text(f"watched-{number}\n")
        (folder / "web.yaml").write_text(f"command-{number}")
    (tmp_path / "current").symlink_to("releases/0")
    (tmp_path / "plain.env").write_text("A=plain-0\n")
    (tmp_path / "secret").symlink_to("current/text")
    show = ["sh", "-c", "echo $A; exec sleep 1000"]
    quick = {"minReadySeconds": 0, "terminationGracePeriodSeconds": 1}
    recon.app("plain", show, envFrom=[str(tmp_path / "plain.env")], **quick)
    recon.app("linked", show, envFrom=[str(tmp_path / "current/env")], **quick)
    recon.app("secret", show, env={"A": {"secretFile": str(tmp_path / "secret")}}, **quick)
    recon.app(
        "watched",
        ["sh", "-c", "cat text; exec sleep 1000"],
        cwd=str(tmp_path / "current"),
        watch={"paths": ["text"], "settleSeconds": 0.05},
        **quick,
    )
    recon.run()
    for name in ("plain", "linked", "secret", "watched"):
        recon.healthy(name, revision=1)
    plain, links = [], []
    for number in range(1, 4):

        def edit(number: int = number) -> None:
            replace(tmp_path / "plain.env", f"A=plain-{number}\n")

        plain.append(seconds_until(recon, "plain", f"plain-{number}", edit))
        target = f"releases/{number}"
        began = time.monotonic()
        relink(tmp_path / "current", target)
        for name, line in (("linked", "linked"), ("secret", "watched"), ("watched", "watched")):
            until(lambda n=name, t=f"{line}-{number}": t in recon.log(n), what=name)  # type: ignore[misc]  # mypy cannot infer a default
        links.append(time.monotonic() - began)
    assert min(links) < 5 * max(plain), (plain, links)
    # Written in place, a file has to come to rest first, behind a link as elsewhere.
    linked = seconds_until(
        recon, "linked", "in-place", lambda: _write(tmp_path / "releases/3/env", "A=in-place")
    )
    assert linked < 5 * (max(plain) + settling._AT_REST_NS / 1e9)


def _shown(number: int) -> str:
    return f"shown-{number}\n"


@pytest.fixture
def shown(recon: Recon, tmp_path: Path) -> Callable[[str], Path]:
    """Declares an app that watches a folder, and shows the file in it; the folder."""

    def declare(name: str) -> Path:
        folder = tmp_path / name / "dist"
        folder.mkdir(parents=True)
        recon.app(
            name,
            ["sh", "-c", "cat dist/text; exec sleep 1000"],
            cwd=str(folder.parent),
            watch={"paths": ["dist"], "settleSeconds": 0.05},
            minReadySeconds=0,
            terminationGracePeriodSeconds=1,
        )
        return folder

    return declare


def test_a_file_in_a_watched_folder_that_has_other_names_is_seen_as_fast_as_a_plain_one(
    recon: Recon, tmp_path: Path, shown: Callable[[str], Path]
) -> None:
    """A link to a file elsewhere, one to a link, and a hard link that is written by its name
    elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("linked", "twice", "hard"):
        (elsewhere / name).write_text(_shown(0))
    (elsewhere / "between").symlink_to("twice")
    (shown("plain") / "text").write_text(_shown(0))
    (shown("linked") / "text").symlink_to("../../elsewhere/linked")
    (shown("twice") / "text").symlink_to(elsewhere / "between")
    (shown("hard") / "text").hardlink_to(elsewhere / "hard")
    recon.run()
    edits: dict[str, Callable[[str], object]] = {
        "plain": lambda text: replace(tmp_path / "plain/dist/text", text),
        "linked": lambda text: replace(elsewhere / "linked", text),
        "twice": lambda text: replace(elsewhere / "twice", text),
        "hard": (elsewhere / "hard").write_text,
    }
    for name in edits:
        recon.healthy(name, revision=1)
    took: dict[str, list[float]] = {name: [] for name in edits}
    for number in range(1, 4):
        for name, edit in edits.items():
            change = partial(edit, _shown(number))
            took[name].append(seconds_until(recon, name, _shown(number).strip(), change))
    slowest = max(took.pop("plain"))
    assert all(min(found) < 5 * slowest for found in took.values()), (slowest, took)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_what_is_mounted_over_a_watched_folder_is_seen_as_fast_as_an_edit(
    recon: Recon, tmp_path: Path, shown: Callable[[str], Path]
) -> None:
    (shown("plain") / "text").write_text(_shown(0))
    (shown("covered") / "text").write_text(_shown(0))
    (tmp_path / "other").mkdir()
    (tmp_path / "other/text").write_text(_shown(1))
    recon.started_by = ["unshare", "--mount", "--propagation", "private"]
    controller = recon.run()
    inside = ["nsenter", f"--mount=/proc/{controller.pid}/ns/mnt", "--"]
    covered = str(tmp_path / "covered/dist")
    mount = [*inside, "mount", "--bind", str(tmp_path / "other"), covered]
    umount = [*inside, "umount", covered]
    for name in ("plain", "covered"):
        recon.healthy(name, revision=1)
    plain, mounted = [], []
    for number in (1, 2):
        edit = partial(replace, tmp_path / "plain/dist/text", _shown(number))
        plain.append(seconds_until(recon, "plain", _shown(number).strip(), edit))
    mounted.append(
        seconds_until(recon, "covered", "shown-1", lambda: subprocess.run(mount, check=True))
    )
    # What is there now is watched, and what is uncovered too.
    edit = partial(replace, tmp_path / "other/text", _shown(2))
    mounted.append(seconds_until(recon, "covered", "shown-2", edit))
    replace(tmp_path / "covered/dist/text", _shown(3))  # this test's own view is not covered
    mounted.append(
        seconds_until(recon, "covered", "shown-3", lambda: subprocess.run(umount, check=True))
    )
    # A second is between two looks at the mounts: a host may mount hundreds a second.
    assert max(mounted) < 5 * (max(plain) + mounts._CALM), (plain, mounted)


def test_two_apps_that_watch_one_folder_by_two_names_both_hear(recon: Recon, code: Path) -> None:
    (code / "same").symlink_to("dist")
    watching(recon, code)
    recon.app(
        "api",
        ["sh", "-c", "cat same/text; exec sleep 1000"],
        cwd=str(code),
        watch={"paths": ["same"], "settleSeconds": 0.1},
        minReadySeconds=0,
    )
    recon.run()
    for name in ("web", "api"):
        recon.healthy(name, revision=1)
    (code / "dist/text").write_text("two\n")
    for name in ("web", "api"):
        recon.healthy(name, revision=2)


def _write(path: Path, line: str) -> None:
    path.write_text(f"{line}\n")
