"""Bad input gets a located sentence, and stops nothing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from e2e.harness import Recon, replace
from e2e.programs import SLEEP
from tests.waiting import until

GOOD = "apiVersion: recon/v1\nkind: App\nmetadata: {name: web}\nspec:\n  command: [sleep, 100000]\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)

CASES: dict[str, tuple[bytes, str]] = {
    "wrong type": (GOOD.encode() + b"  instances: many\n", r"web.yaml:6:14"),
    "unknown field": (GOOD.encode() + b"  instnces: 2\n", "did you mean instances?"),
    "program that does not exist": (
        GOOD.replace("[sleep", "[slep-no-such").encode(),
        "slep-no-such",
    ),
    "program that is not executable": (
        GOOD.replace("[sleep", "[/etc/passwd").encode(),
        "/etc/passwd",
    ),
    "missing cwd": (GOOD.encode() + b"  cwd: not-there\n", "not-there"),
    "missing env file": (GOOD.encode() + b"  envFrom: [gone.env]\n", "gone.env"),
    "port out of range": (
        GOOD.encode() + b"  readinessProbe: {tcpSocket: {port: 70000}}\n",
        "web.yaml:6:38",
    ),
    "nested brackets": (b"[" * 100_000, "web.yaml:1"),
    "alias bomb": (BOMB.encode(), "web.yaml"),
    "invalid UTF-8": (GOOD.encode() + b"# \xff\xfe\n", "UTF-8"),
    "NUL byte": (GOOD.encode() + b"# \0\n", "web.yaml"),
    "NUL by an escape": (GOOD.encode() + b'  cwd: "a\\0b"\n', "spec.cwd: contains a NUL"),
    "a digit that is none": (
        GOOD.encode() + '  user: "²"\n'.encode(),
        "is not a valid name or id",
    ),
    "two apps of one name": (GOOD.encode() + b"---\n" + GOOD.encode(), "web.yaml"),
    "name that is not allowed": (GOOD.replace("web", "Web_1").encode(), "web.yaml:3:18"),
    "half written": (GOOD[:60].encode(), "web.yaml"),
    "emptied": (b"", "web.yaml"),
}


@pytest.fixture
def running(recon: Recon) -> Recon:
    recon.write("web.yaml", GOOD)
    recon.app("other", SLEEP)
    recon.run()
    recon.healthy("web", ready=1)
    recon.healthy("other", ready=1)
    return recon


def test_every_bad_file_is_located_and_stops_nothing(running: Recon) -> None:
    recon = running
    pids = recon.pids("web") | recon.pids("other")
    for what, (content, expected) in CASES.items():
        replace(recon.manifests / "web.yaml", content)
        app = recon.wait("web", sync="Unknown")
        assert expected in app["message"], f"{what}: {app['message']}"
        assert "Running revision 1" in app["message"], what
        if content:  # nobody can tell from an empty file what it declared once
            text = recon.cli("validate", code=1)
            assert expected in text, f"{what}: {text}"
        recon.write("web.yaml", GOOD)
        recon.healthy("web", ready=1)
        assert recon.pids("web") | recon.pids("other") == pids, what


def test_file_of_100_megabytes_is_refused_unread(running: Recon) -> None:
    with (running.manifests / ".large").open("wb") as file:
        file.truncate(100 * 2**20)
    (running.manifests / ".large").rename(running.manifests / "web.yaml")
    app = running.wait("web", sync="Unknown")
    assert "web.yaml" in app["message"]
    assert "100" in app["message"]


def test_unreadable_manifest_stops_nothing(running: Recon) -> None:
    if os.geteuid() == 0:
        (running.manifests / ".link").symlink_to("/nowhere/at/all")
        (running.manifests / ".link").rename(running.manifests / "web.yaml")
    else:
        (running.manifests / "web.yaml").chmod(0)
    pids = running.pids("web")
    app = running.wait("web", sync="Unknown")
    assert "web.yaml" in app["message"]
    assert running.pids("web") == pids


def test_loop_of_links_is_told_and_stops_nothing(running: Recon) -> None:
    pids = running.pids("web")
    (running.manifests / "round").symlink_to(running.manifests)
    (running.manifests / "self.yaml").symlink_to(running.manifests / "self.yaml")
    until(lambda: "self.yaml" in running.cli("validate", code=None), what="told")
    assert running.pids("web") == pids
    running.healthy("other")


def test_two_files_that_declare_one_name_are_both_named(running: Recon) -> None:
    pids = running.pids("web")
    running.write("zz.yaml", GOOD.replace("100000", "5"))
    text = until(lambda: _errors(running), what="told")
    assert "web.yaml" in text and "zz.yaml" in text
    assert running.pids("web") == pids


def test_editors_leftovers_are_no_manifests(running: Recon) -> None:
    for name in (".web.yaml.swp", "web.yaml~", "4913", "#web.yaml#", ".hidden.yaml"):
        running.write(name, GOOD.replace("web", "stranger"))
    running.cli("apply")
    assert not running.of("stranger") and not running.status()["errors"]


def _errors(recon: Recon) -> str:
    errors = recon.status()["errors"]
    return json.dumps(errors) if errors else ""


# -- the directory itself ------------------------------------------------------------------------


def test_missing_directory_stops_nothing(running: Recon) -> None:
    pids = running.pids("web")
    running.manifests.rename(running.manifests.with_name("aside"))
    running.wait("web", sync="Unknown")
    assert running.pids("web") == pids
    running.manifests.with_name("aside").rename(running.manifests)
    running.healthy("web", ready=1)
    assert running.pids("web") == pids


def test_emptied_directory_waits_for_a_person(running: Recon) -> None:
    pids = running.pids("web")
    for file in running.manifests.iterdir():
        file.unlink()
    app = running.wait("web", sync="Unknown")
    until(lambda: "--confirm-prune" in running.of("web")["message"], what="held back")
    assert running.pids("web") == pids, app
    running.cli("apply", "--confirm-prune")
    until(lambda: not running.of("web"), what="web is gone, as confirmed")
    # What was confirmed was that, and not whatever may be lost later.
    running.app("late", SLEEP)
    running.healthy("late", ready=1)
    late = running.pids("late")
    (running.manifests / "late.yaml").unlink()
    until(lambda: "--confirm-prune" in running.of("late")["message"], what="held back again")
    assert running.pids("late") == late


def test_replaced_directory_waits_for_a_person(running: Recon) -> None:
    pids = running.pids("other")
    shutil.copytree(running.manifests, running.manifests.with_name("new"))
    (running.manifests.with_name("new") / "other.yaml").unlink()
    running.manifests.rename(running.manifests.with_name("old"))
    running.manifests.with_name("new").rename(running.manifests)
    until(lambda: "replaced" in running.of("other")["message"], what="held back")
    assert running.pids("other") == pids
    shutil.copy(running.manifests.with_name("old") / "other.yaml", running.manifests)
    running.healthy("other", ready=1)
    assert running.pids("other") == pids


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: mounting a file system needs root")
def test_unmounted_directory_stops_nothing(recon: Recon) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "none", recon.manifests], check=True)
    try:
        recon.app("web", SLEEP)
        recon.run()
        recon.healthy("web", ready=1)
        pids = recon.pids("web")
    finally:
        subprocess.run(["umount", "-l", recon.manifests], check=True)
    recon.wait("web", sync="Unknown")
    assert recon.pids("web") == pids


def test_controller_started_on_a_broken_file_keeps_its_last_good_version(running: Recon) -> None:
    pids = running.pids("web")
    running.kill_controller()
    running.write("web.yaml", GOOD + "  nonsense: 1\n")
    running.run()
    running.wait("web", sync="Unknown")
    assert running.pids("web") == pids
    os.kill(pids["web-0"], 9)
    until(lambda: running.pids("web").get("web-0", 0) not in (0, pids["web-0"]), what="restarted")


def test_controller_started_on_a_missing_directory_stops_nothing(
    running: Recon, tmp_path: Path
) -> None:
    pids = running.pids("web")
    running.kill_controller()
    running.manifests.rename(tmp_path / "aside")
    running.run()
    running.wait("web", sync="Unknown")
    assert running.pids("web") == pids
    (tmp_path / "aside").rename(running.manifests)
    running.healthy("web", ready=1)
    assert running.pids("web") == pids


# -- what is taken out ---------------------------------------------------------------------------


def test_an_app_that_its_file_declares_no_longer_is_shown_at_once_and_stopped_soon(
    running: Recon,
) -> None:
    """A document taken out, an app renamed: no slower than the removal of a file."""
    two = GOOD + "---\n" + GOOD.replace("web", "api")
    running.write("web.yaml", two)
    running.healthy("api", ready=1)
    pids = running.pids("web")
    began = time.monotonic()
    running.write("web.yaml", GOOD)
    until(lambda: running.of("api").get("sync") in (None, "Unknown", "OutOfSync"), what="shown")
    until(lambda: not running.of("api"), what="api is stopped")
    taken_out = time.monotonic() - began
    began = time.monotonic()
    (running.manifests / "other.yaml").unlink()
    until(lambda: not running.of("other"), what="other is stopped")
    assert taken_out < 5 * (time.monotonic() - began)
    assert running.pids("web") == pids
    running.write("web.yaml", GOOD.replace("web", "renamed"))
    running.healthy("renamed", ready=1)
    until(lambda: not running.of("web"), what="what it was called before is stopped")


def test_a_file_that_is_written_document_by_document_removes_nothing(running: Recon) -> None:
    two = GOOD + "---\n" + GOOD.replace("web", "api")
    running.write("web.yaml", two)
    running.healthy("api", ready=1)
    pids = running.pids("api")
    with (running.manifests / "web.yaml").open("w") as file:
        file.write(GOOD)
        with written_on(file):  # by a slow writer, who is not done
            for _ in range(10):
                assert running.pids("api") == pids
        file.write("---\n" + GOOD.replace("web", "api"))
    running.healthy("api", ready=1)
    assert running.pids("api") == pids


@contextlib.contextmanager
def written_on(file: TextIO) -> Iterator[None]:
    """One comment after the other is written into the file meanwhile."""
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.01):
            file.write("#\n")
            file.flush()

    writing = threading.Thread(target=write)
    writing.start()
    try:
        yield
    finally:
        over.set()
        writing.join()


def test_a_swapped_root_is_accepted_when_it_lacks_nothing_or_is_confirmed(
    recon: Recon, tmp_path: Path
) -> None:
    recon.manifests.rmdir()
    for number in (1, 2, 3):
        (tmp_path / f"releases/{number}").mkdir(parents=True)
    recon.manifests.symlink_to(tmp_path / "releases/1")
    for name in ("web", "api", "third", "fourth"):
        recon.app(name, SLEEP)
        for number in (2, 3):
            shutil.copy(recon.manifests / f"{name}.yaml", tmp_path / f"releases/{number}")
    recon.run()
    for name in ("web", "api"):
        recon.healthy(name, ready=1)
    fresh = recon.manifests.with_name("fresh")
    fresh.symlink_to(tmp_path / "releases/2")
    fresh.rename(recon.manifests)
    recon.app("fifth", SLEEP)
    recon.healthy("fifth", ready=1)  # the new root has been looked at
    (tmp_path / "releases/1/web.yaml").unlink()  # which is no longer looked at
    (recon.manifests / "api.yaml").unlink()  # of a root that lacked nothing: as in any other
    until(lambda: not recon.of("api"), what="api is stopped")
    (tmp_path / "releases/3/fourth.yaml").unlink()
    shutil.copy(recon.manifests / "fifth.yaml", tmp_path / "releases/3")
    fresh.symlink_to(tmp_path / "releases/3")
    (tmp_path / "releases/3/api.yaml").unlink()
    fresh.rename(recon.manifests)
    told = "which lacks fourth; it is accepted as soon as it declares every app that runs"
    until(lambda: told in recon.of("fourth")["message"], what="held, and how to allow it")
    recon.cli("apply", "--confirm-prune")
    until(lambda: not recon.of("fourth"), what="fourth is stopped, as confirmed")
    (recon.manifests / "third.yaml").unlink()
    until(lambda: not recon.of("third"), what="third is stopped: the root is accepted")


# -- mistakes that concern every app -------------------------------------------------------------

SETTINGS = "apiVersion: recon/v1\nkind: Settings\nspec: {{profile: {}}}\n"


def test_a_profile_that_nobody_has_replaces_nothing_over_a_restart_too(recon: Recon) -> None:
    recon.write("recon.yaml", SETTINGS.format("prod"))
    recon.app("web", SLEEP, profiles={"prod": {"env": {"MODE": "prod"}}})
    recon.run()
    recon.healthy("web", revision=1)
    pids = recon.pids("web")
    recon.write("recon.yaml", SETTINGS.format("prdo"))
    for _ in range(2):
        message = recon.wait("web", sync="Unknown")["message"]
        assert "recon.yaml:3:17: spec.profile: no manifest has a profile named prdo" in message
        assert "did you mean prod" in message and recon.pids("web") == pids
        recon.kill_controller()
        assert recon.of("web")["sync"] == "Unknown", "the same without a controller"
        recon.run()
    recon.write("recon.yaml", SETTINGS.format("prod"))
    recon.healthy("web", revision=1)
    assert recon.pids("web") == pids


def test_an_env_file_that_is_emptied_for_a_while_changes_nothing(
    recon: Recon, tmp_path: Path
) -> None:
    env = tmp_path / "web.env"
    env.write_text("A=1\n")
    recon.app("web", SLEEP, envFrom=[str(env)])
    recon.run()
    recon.healthy("web", revision=1)
    pids = recon.pids("web")
    os.truncate(env, 0)
    assert "is empty now and was not before" in recon.wait("web", sync="Unknown")["message"]
    (error,) = recon.status()["errors"]
    assert error["reason"] == "EmptiedFile"
    recon.kill_controller()
    recon.run()
    recon.wait("web", sync="Unknown")
    assert recon.pids("web") == pids
    env.write_text("A=2\n")
    recon.healthy("web", revision=2)
    assert recon.pids("web") != pids


@pytest.mark.parametrize("how", ["emptied", "removed"])
def test_what_crashes_without_its_secrets_waits_for_them_and_says_so(
    recon: Recon, tmp_path: Path, how: str
) -> None:
    """Values are not stored. The controller that has them starts the app with them; the next one
    starts it with none rather than with wrong ones, and tells of the outage."""
    env = tmp_path / "web.env"
    env.write_text("A=right\n")
    recon.app("web", ["sh", "-c", "echo $A; exec sleep 1000"], envFrom=[str(env)])
    recon.run()
    recon.healthy("web", revision=1)
    if how == "emptied":
        os.truncate(env, 0)
    else:
        env.unlink()
    recon.wait("web", sync="Unknown", health="Healthy")
    os.kill(recon.pids("web")["web-0"], signal.SIGKILL)
    recon.wait("web", sync="Unknown", health="Healthy", restarts=1, ready=1)
    recon.kill_controller()
    recon.run()
    recon.wait("web", sync="Unknown", health="Healthy", ready=1)
    os.kill(recon.pids("web")["web-0"], signal.SIGKILL)
    app = recon.wait("web", sync="Unknown", health="Missing", desired=1, ready=0)
    cause = {"emptied": "is empty now and was not before; write it again", "removed": "create it"}
    assert str(env) in app["message"] and cause[how] in app["message"], app["message"]
    assert app["message"].endswith("No instance of revision 1 runs")
    assert cause[how] in recon.cli("status", "web", code=None)
    refused = "some secrets of web cannot be read"
    until(lambda: refused in recon.cli("events", "web", code=None), what="an event tells")
    found = [row["level"] for row in recon.json("doctor", code=None)["findings"]]
    assert "problem" in found
    recon.kill_controller()
    assert recon.of("web")["health"] == "Missing", "the same without a controller"
    recon.run()
    env.write_text("A=right\n")
    recon.healthy("web", revision=1, ready=1)
    assert set(recon.log("web")) == {"right"}


def test_two_controllers_on_one_directory_tell_of_each_other(recon: Recon, tmp_path: Path) -> None:
    recon.app("web", SLEEP)
    recon.run()
    (tmp_path / "second").mkdir()
    second = Recon(tmp_path / "second")
    second.environment["RECON_MANIFESTS"] = str(recon.manifests)
    try:
        second.run()
        for one, other in ((recon, second), (second, recon)):
            told = f"--state-dir {other.state}) runs these manifests, too: each app runs twice"
            until(lambda one=one, told=told: told in _errors(one), what=told)  # type: ignore[misc]  # mypy cannot infer a default
            assert "SharedManifests" in one.cli("events")
            found = one.json("doctor", code=1)["findings"]
            assert [row["level"] for row in found if row["check"] == "neighbours"] == ["problem"]
        assert "another controller" in second.output.read_text()
    finally:
        second.close()
    until(lambda: not _errors(recon), what="the second is gone")
