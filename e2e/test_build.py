"""`build`: what an app is made of is built before it is rolled out, once, and what fails stops
nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from e2e.harness import Recon, alive, replace
from e2e.programs import READER, SLEEP
from tests.waiting import until

BUILD = """
import fcntl, os, sys, time
alone = open('lock', 'w')
fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)  # two at a time, and the second one fails
print('building', flush=True)
with open('count', 'a') as count: count.write('x')
while os.path.exists('hold'): time.sleep(0.01)
text = open('src/text').read()
if 'bad' in text:
    print('line 1: bad is not a word', file=sys.stderr, flush=True)
    sys.exit(2)
os.makedirs('dist', exist_ok=True)
open('dist/text', 'w').write(text)
print('built', text.strip(), os.environ.get('MODE'), os.environ.get('SECRET'), flush=True)
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The program's folder: sources, a build that copies them, a program that says what it read."""
    folder = tmp_path / "code"
    (folder / "src").mkdir(parents=True)
    (folder / "src/text").write_text("one\n")
    (folder / "build.py").write_text(BUILD)
    (folder / "main.py").write_text(READER)
    return folder


def built(recon: Recon, code: Path, build: Mapping[str, Any] | None = None, **spec: Any) -> None:
    whole = {"command": "python3 build.py", "inputs": ["src"], **(build or {})}
    spec = {"minReadySeconds": 0, "instances": 2, **spec}
    recon.app("web", "python3 -u main.py", cwd=str(code), build=whole, **spec)


def builds(code: Path) -> int:
    """How often it was built."""
    count = code / "count"
    return len(count.read_text()) if count.exists() else 0


def runs_of(recon: Recon) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = recon.json("describe", "web")["builds"]
    return found


def test_apply_builds_once_for_all_instances_then_starts_and_shows_it_live(
    recon: Recon, code: Path
) -> None:
    built(recon, code, {"env": {"MODE": "fast"}}, env={"SECRET": "s"})
    assert "built first: python3 build.py" in recon.cli("apply", "--dry-run")
    assert builds(code) == 0
    text = recon.cli("apply")
    assert "web:build-1 | building" in text
    assert "web:build-1 | built one fast None" in text  # its own environment, not the app's
    assert builds(code) == 1
    recon.healthy("web", ready=2, revision=1)
    until(lambda: recon.log("web") == recon.log("web", 1) == ["one"], what="both read it")
    assert [app["name"] for app in recon.status()["apps"]] == ["web"]
    assert runs_of(recon)[0]["outcome"] == "Succeeded"


def test_an_edit_of_an_input_builds_and_rolls_and_nothing_else_builds(
    recon: Recon, code: Path
) -> None:
    built(recon, code, watch={"paths": ["dist"]})
    recon.run()
    recon.healthy("web", ready=2, revision=1)
    (code / "hold").touch()
    replace(code / "src/text", "two\n")
    app = recon.wait("web", health="Progressing", sync="OutOfSync")
    assert app["message"] == "building (python3 build.py)"
    assert app["ready"] == 2
    (code / "hold").unlink()
    recon.healthy("web", ready=2, revision=2)
    recon.wrote("web", "one", "two")  # one rollout, with what was built
    assert builds(code) == 2
    # Neither the app's environment nor what is not an input builds anything.
    (code / "other").write_text("x")
    built(recon, code, watch={"paths": ["dist"]}, env={"LEVEL": "debug"})
    recon.healthy("web", ready=2, revision=3)
    assert builds(code) == 2


def test_a_build_that_fails_keeps_what_runs_and_shows_why(recon: Recon, code: Path) -> None:
    built(recon, code)
    recon.cli("apply")
    before = recon.pids("web")
    replace(code / "src/text", "bad\n")
    app = recon.wait("web", health="Degraded")
    assert "its build has failed (exit 2); running revision 1" in app["message"]
    text = recon.cli("apply", code=1)
    assert "web cannot become ready: its build has failed (exit 2)" in text
    assert "web:build-2 ! line 1: bad is not a word" in text
    assert recon.pids("web") == before
    # What crashes meanwhile comes back as what was good.
    built_is = {c["type"]: c["reason"] for c in recon.of("web")["conditions"]}
    assert built_is["Built"] == "BuildFailed"
    assert "BuildFailed" in recon.cli("events", "web")
    # As it is, on request.
    recon.cli("restart", "web")
    until(lambda: builds(code) == 3, what="it is built again")
    recon.wait("web", health="Degraded", ready=2)
    replace(code / "src/text", "good\n")
    recon.healthy("web", ready=2, revision=2)
    until(lambda: recon.log("web")[-1] == "good", what="the fixed one runs")


def test_a_first_build_that_fails_starts_nothing(recon: Recon, code: Path) -> None:
    replace(code / "src/text", "bad\n")
    built(recon, code)
    text = recon.cli("apply", code=1)
    assert "no earlier revision is known to be good" in text
    assert recon.pids("web") == {}


def test_the_controller_is_killed_while_it_builds(recon: Recon, code: Path) -> None:
    (code / "hold").touch()
    built(recon, code)
    recon.run()
    until(lambda: builds(code) == 1, what="it builds")
    recon.kill_controller()
    recon.run()
    recon.wait("web", health="Progressing", message="building (python3 build.py)")
    (code / "hold").unlink()
    recon.healthy("web", ready=2)
    # It was taken over; where the kernel cannot tell how it ended (before 6.15) it is built again.
    assert builds(code) == 1 + runs_of(recon)[0]["failures"]
    # And nothing is built again by yet another controller.
    recon.kill_controller()
    recon.run()
    recon.cli("apply")
    assert builds(code) == 1 + runs_of(recon)[0]["failures"]
    recon.wrote("web", "one")


def test_another_edit_while_it_builds_ends_that_build_and_never_two_run_at_once(
    recon: Recon, code: Path
) -> None:
    (code / "hold").touch()
    built(recon, code)
    recon.run()
    until(lambda: builds(code) == 1, what="it builds")
    replace(code / "src/text", "two\n")
    until(lambda: builds(code) == 2, what="it builds what is there now")
    first, second = runs_of(recon)
    assert (first["outcome"], first["reason"]) == ("Failed", "Superseded")
    assert second["outcome"] == "Active"
    (code / "hold").unlink()
    recon.healthy("web", ready=2)
    recon.wrote("web", "two")


def test_a_build_that_takes_too_long_has_failed(recon: Recon, code: Path) -> None:
    (code / "hold").touch()
    built(recon, code, {"timeoutSeconds": 0.3})
    text = recon.cli("apply", code=1)
    assert "not done within 0.3 s (timeoutSeconds)" in text
    assert "fix the build" in text and "keeps trying" not in text
    assert recon.pids("web") == {}


def test_a_build_has_limits_of_its_own_and_runs_as_the_app_does(recon: Recon, code: Path) -> None:
    say = "ulimit -n; umask; nice; pwd; mkdir dist; cp src/text dist"
    spec = {"limits": {"openFiles": 200}, "umask": "027"}
    built(
        recon, code, {"command": ["sh", "-c", say], "limits": {"openFiles": 64, "nice": 3}}, **spec
    )
    recon.cli("apply")
    said = ["64", "0027", "3", str(code)]
    until(lambda: recon.log("web:build", 1) == said, what="what the build says of itself")


def test_the_state_directory_is_lost_and_nothing_is_built_again(recon: Recon, code: Path) -> None:
    built(recon, code)
    recon.run()
    recon.healthy("web", ready=2)
    before = recon.pids("web")
    recon.kill_controller()
    for file in recon.state.glob("recon.db*"):
        file.unlink()
    recon.run()
    recon.cli("apply")
    assert recon.pids("web") == before
    assert builds(code) == 1


def test_down_and_removal_end_a_build(recon: Recon, code: Path) -> None:
    recon.app("other", SLEEP)
    (code / "hold").touch()
    built(recon, code)
    recon.run()
    until(lambda: builds(code) == 1, what="it builds")
    pid = build_pid(code)
    (recon.manifests / "web.yaml").unlink()
    until(lambda: not alive(pid), what="the build is ended with its app")
    built(recon, code)
    until(lambda: builds(code) == 2, what="it builds")
    pid = build_pid(code)
    recon.cli("down")
    assert not alive(pid)
    recon.controller = None


def test_what_is_wrong_with_a_build_is_told_with_its_place(recon: Recon, code: Path) -> None:
    built(recon, code, {"command": "no-such-compiler", "inputs": []})
    text = recon.cli("validate", code=1)
    assert "spec.build.inputs: must not be empty" in text
    built(recon, code, {"command": "no-such-compiler"})
    text = recon.cli("validate", code=1)
    assert "spec.build.command: there is no program no-such-compiler" in text


def build_pid(code: Path) -> int:
    """Of the build that runs: it is the one with this folder and this command."""
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[1:2] == [b"build.py"] and (folder / "cwd").readlink() == code:
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError("no build runs")
