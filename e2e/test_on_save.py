"""`--watch` of `validate` and `apply --dry-run`: the result again at each save."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pexpect
import pytest

from e2e.harness import PROGRAM, Recon
from tests.waiting import until

SLEEP = ["sleep", "100000"]


@contextmanager
def piped(recon: Recon, *words: str) -> Iterator[IO[str]]:
    """What a verb writes into a pipe, both streams; then Ctrl-C, of which 130 comes."""
    running = subprocess.Popen(
        [PROGRAM, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=recon.environment,
    )
    assert running.stdout is not None
    try:
        yield running.stdout
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 130
        assert "Traceback" not in running.stdout.read()
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def until_line(output: IO[str], *parts: str) -> list[str]:
    """The lines up to the one that has all these parts; pytest-timeout ends a line that never
    comes."""
    lines = []
    for line in output:
        lines.append(line)
        if all(part in line for part in parts):
            return lines
    raise AssertionError(f"ended without {parts}:\n{''.join(lines)}")


def save_as_vim_does(path: Path, text: str) -> None:
    """With `backupcopy=no`: the old file aside, a new one in its place, the old one removed."""
    swap, aside = path.with_name(f".{path.name}.swp"), path.with_name(f"{path.name}~")
    swap.write_text("swap")
    path.with_name("4913").write_text("")
    path.with_name("4913").unlink()
    path.rename(aside)
    path.write_text(text)
    aside.unlink()
    swap.unlink()


def test_on_a_terminal_each_save_is_validated_until_ctrl_c(recon: Recon) -> None:
    path = recon.app("web", SLEEP)
    good = path.read_text()
    terminal = pexpect.spawn(
        str(PROGRAM), ["validate", "--watch"], env=recon.environment, timeout=60, encoding="utf-8"
    )
    try:
        terminal.expect(r"\x1b\[H\x1b\[2J\d\d:\d\d:\d\d  all manifests; Ctrl-C ends\r\n")
        terminal.expect("1 app, no problems")
        save_as_vim_does(path, good.replace("command", "comand"))
        terminal.expect(r"\x1b\[H\x1b\[2J\d\d:\d\d:\d\d  \S*web.yaml changed\r\n")
        terminal.expect("unknown field, did you mean command")
        terminal.expect("1 problem in 1 file")
        path.write_text(good)
        terminal.expect("web.yaml changed")
        terminal.expect("1 app, no problems")
        shutil.rmtree(recon.manifests)
        terminal.expect("No such file or directory")
        recon.manifests.mkdir()
        recon.write("new.yaml", good.replace("web", "new"))
        terminal.expect(r"new.yaml")
        terminal.expect("1 app, no problems")
        terminal.sendintr()
        terminal.expect(pexpect.EOF)
        assert "Traceback" not in str(terminal.before)
        terminal.wait()
        assert terminal.exitstatus == 130
    finally:
        terminal.close(force=True)


def test_into_a_pipe_each_plan_follows_a_line_with_its_time(recon: Recon) -> None:
    recon.write("secret.env", "TOKEN=one\n").chmod(0o600)
    path = recon.app("web", SLEEP, envFrom=["secret.env"], instances=2)
    with piped(recon, "apply", "--dry-run", "--watch") as output:
        assert "all manifests; Ctrl-C ends" in output.readline()
        until_line(output, "Plan: 2 to start")
        path.write_text(path.read_text().replace('"instances": 2', '"instances": 3'))
        until_line(output, "web.yaml changed")
        until_line(output, "Plan: 3 to start")
        path.write_text("nonsense")
        until_line(output, "web.yaml changed")
        until_line(output, "web.yaml:1:1")
        recon.app("web", SLEEP, envFrom=["secret.env"])
        until_line(output, "web.yaml changed")
        until_line(output, "Plan: 1 to start")
        recon.write("secret.env", "TOKEN=two\n").chmod(0o600)
        until_line(output, "secret.env", "changed")  # with the manifest, if both were seen at once
        until_line(output, "Plan: 1 to start")
    assert recon.pids("web") == {}  # nothing was started


@pytest.mark.parametrize("verb", [["validate"], ["apply", "--dry-run"]])
def test_json_is_a_document_a_line_without_anything_between(recon: Recon, verb: list[str]) -> None:
    path = recon.app("web", SLEEP)
    good = path.read_text()
    with piped(recon, *verb, "--watch", "-o", "json") as output:
        assert json.loads(output.readline())["errors"] == []
        path.write_text("nonsense")
        assert json.loads(output.readline())["errors"][0]["line"] == 1
        save_as_vim_does(path, good)
        while json.loads(output.readline())["errors"]:
            pass  # between its renames nothing was there


def test_the_plan_against_a_base_follows_each_save(recon: Recon) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", *who, *words], cwd=recon.manifests, check=True, capture_output=True)

    path = recon.app("web", SLEEP, instances=2)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    words = ["apply", "--dry-run", "--base", "HEAD", "--watch", "-o", "json"]
    with piped(recon, *words) as output:
        (change,) = json.loads(output.readline())["changes"]
        assert change["action"] == "none"
        path.write_text(path.read_text().replace('"instances": 2', '"instances": 3'))
        (change,) = json.loads(output.readline())["changes"]
        assert (change["app"], change["action"]) == ("web", "update")


def test_looking_again_leaves_no_descriptor_open(recon: Recon) -> None:
    path = recon.app("web", SLEEP)
    recon.run()
    recon.healthy("web")
    running = subprocess.Popen(
        [PROGRAM, "apply", "--dry-run", "--watch", "-o", "json"],
        stdout=subprocess.PIPE,
        text=True,
        env=recon.environment,
    )
    assert running.stdout is not None

    def opened() -> list[str]:
        """What it has open while it waits for a save, else nothing."""
        links = []
        for one in Path(f"/proc/{running.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it was closed just now
                links.append(os.readlink(one))
        return links if "anon_inode:inotify" in links else []

    try:
        running.stdout.readline()
        before = until(opened, what="it waits")
        for number in range(6):
            path.write_text(path.read_text().rstrip() + "\n" * number)
            running.stdout.readline()
        assert sorted(until(opened, what="it waits again")) == sorted(before)
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def test_a_misspelt_path_ends_it_at_once(recon: Recon) -> None:
    assert "no such file" in recon.cli("validate", "--watch", "nowhere", code=1)
