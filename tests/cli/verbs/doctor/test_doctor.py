"""`recon doctor`: findings on this host, with remedies; an exit code that scripts can use."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.observed.host.facts import gather
from reconciler.state.neighbours import Neighbours
from tests.cli.conftest import Cli
from tests.ports import ports


def found(cli: Cli, *words: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    document = json.loads(cli("doctor", "-o", "json", *words).out)
    assert document["formatVersion"] == 1
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in document["findings"]:
        rows.setdefault((row["subject"], row["check"]), []).append(row)
    counted = [row["level"] for some in rows.values() for row in some]
    assert document["summary"] == {
        level: counted.count(level) for level in ("ok", "warning", "problem")
    }
    return rows


def test_a_host_that_is_fit_has_exit_code_0(cli: Cli) -> None:
    cli.app("web")
    done = cli("doctor", "--all")
    assert done.code == 0, done.out
    assert "host\n" in done.out and "web\n" in done.out
    assert "sleep can be run" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    brief = cli("doctor")
    assert "sleep can be run" not in brief.out
    assert "no controller runs" in brief.out and "→ `recon apply` starts one" in brief.out


def test_a_port_that_a_stranger_has_is_a_problem(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        path = cli.app("web")
        path.write_text(path.read_text() + f"  sockets: [{{name: http, port: {port}}}]\n")
        assert cli("doctor").code == 1
        (row,) = found(cli)["web", "port"]
        assert row["level"] == "problem" and f"pid {os.getpid()}" in row["message"]
        assert row["remedy"]
    (row,) = found(cli)["web", "port"]
    assert row["level"] == "ok" and row["message"].endswith("is free")


@pytest.fixture
def port() -> Iterator[int]:
    with ports() as first:
        yield first


def test_a_port_of_our_own_is_no_strangers(cli: Cli, port: int) -> None:
    path = cli.app("web")
    path.write_text(path.read_text() + f"  sockets: [{{name: http, port: {port}}}]\n")
    assert cli("apply").code == 0
    rows = found(cli)
    assert rows["web", "port"][0]["message"].endswith("is used by recon")
    assert rows["recon", "controller"][0]["level"] == "ok"


def test_a_port_that_only_the_controller_has_is_ours(cli: Cli, port: int) -> None:
    path = cli.app("web", command="['false']")
    path.write_text(path.read_text() + f"  sockets: [{{name: http, port: {port}}}]\n")
    assert cli("apply", "--timeout", "1").code == 1
    assert found(cli)["web", "port"][0]["message"].endswith("is used by recon")


def test_mistakes_and_missing_programs_are_problems(cli: Cli) -> None:
    cli.app("bad", command="[.venv/bin/python, main.py]")
    cli.app("web", command="[node, dist/main.js]")
    rows = found(cli)
    told = " ".join(row["message"] for row in rows["recon", "manifests"])
    assert "bad.yaml:5:12" in told and f"there is no program {cli.manifests}/.venv/bin" in told
    assert "make the virtual environment" in rows["recon", "manifests"][0]["remedy"]
    if ("web", "program") in rows:  # where there is Node
        assert any("no file" in row["message"] for row in rows["web", "program"])
    assert cli("doctor").code == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as others")
def test_a_program_that_its_user_may_not_run(cli: Cli, tmp_path: Path) -> None:
    program = tmp_path / "server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    path = cli.app("web", command=f"[{program}]")
    path.write_text(path.read_text() + "  user: '65534'\n  cwd: /\n")
    (row,) = found(cli)["web", "program"]
    assert row["level"] == "problem" and "may not execute" in row["message"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as others")
def test_the_first_program_in_path_that_its_user_may_run_is_the_one(
    cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "sleep").write_text("#!/bin/sh\n")
    (tmp_path / "sleep").chmod(0o700)
    path = cli.app("web")
    search = f"{tmp_path}:/usr/bin:/bin"
    path.write_text(path.read_text() + f"  user: '65534'\n  cwd: /\n  env: {{PATH: {search}}}\n")
    (row,) = found(cli)["web", "program"]
    assert (row["level"], row["message"]) == ("ok", "/usr/bin/sleep can be run")


def test_a_controller_on_other_manifests_is_told(cli: Cli, tmp_path: Path) -> None:
    cli.app("web")
    assert cli("apply").code == 0
    other = tmp_path / "other"
    other.mkdir()
    (row,) = found(cli, "-m", str(other))["recon", "controller"]
    assert row["level"] == "warning" and str(cli.manifests) in row["message"]


def test_another_controller_of_the_same_manifests_is_a_problem(cli: Cli, tmp_path: Path) -> None:
    """Another, with a state directory of its own: here it is this process."""
    cli.app("web")
    (tmp_path / "link").symlink_to(cli.manifests)
    other = Neighbours(tmp_path / "link", tmp_path / "other")
    status = cli.manifests.stat()
    try:
        other.look((status.st_dev, status.st_ino))
        (row,) = found(cli)["recon", "controller"]
        assert row["level"] == "warning" and f"--state-dir {tmp_path}/other)" in row["message"]
        assert "`recon apply`" not in row["remedy"], "that would make a second one"
        assert cli("apply").code == 1, "and says why"
        rows = found(cli)
        (row,) = rows["recon", "neighbours"]
        assert row["level"] == "problem" and f"pid {os.getpid()}" in row["message"]
        assert row["remedy"] == f"stop one: recon down --state-dir {tmp_path}/other"
        assert rows["recon", "controller"][0]["level"] == "ok"
        assert cli("doctor").code == 1
    finally:
        other.close()
    assert ("recon", "neighbours") not in found(cli)


def test_one_app_alone_and_an_unknown_one(cli: Cli) -> None:
    cli.app("web")
    cli.app("worker")
    subjects = {subject for subject, _ in found(cli, "web")}
    assert "web" in subjects and "worker" not in subjects
    done = cli("doctor", "wev")
    assert done.code == 1 and "did you mean web?" in done.err
    assert cli("doctor", "-o", "xml").code == 64


def test_the_folders_that_logs_go_to_are_looked_at(cli: Cli, tmp_path: Path) -> None:
    path = cli.app("web")
    path.write_text(
        path.read_text() + f"  logs: {{stdout: {tmp_path}/own/x.log, stderr: /proc/x}}\n"
    )
    rows = found(cli)["web", "logs"]
    assert [row["message"].split(" in ")[-1] for row in rows if "own" in row["message"]]
    assert any("/proc" in row["message"] for row in rows)


def test_what_a_manifest_misses_is_told_with_what_would_mend_it(cli: Cli, tmp_path: Path) -> None:
    venv = tmp_path / "app/.venv/bin"
    venv.mkdir(parents=True)
    (venv / "python").symlink_to("/usr/bin/python3.99")
    (tmp_path / "app/run.sh").write_text("#!/bin/sh\n")
    cwd = "\n  cwd: ../app"
    cli.app("broken", command=f"[.venv/bin/python, main.py]{cwd}")
    cli.app("mode", command=f"[./run.sh]{cwd}")
    path = cli.app("env")
    path.write_text(path.read_text() + "  envFrom: [../app/.env]\n")
    told = {
        row["message"].partition(".yaml")[0].rpartition("/")[2]: row
        for row in found(cli)["recon", "manifests"]
    }
    assert "is a link to /usr/bin/python3.99, which does not exist" in told["broken"]["message"]
    assert told["broken"]["remedy"].startswith("make the virtual environment")
    assert told["mode"]["remedy"] == "chmod +x it"
    assert "/app/.env does not exist" in told["env"]["message"]
    assert "optional: true" in told["env"]["remedy"]


def test_a_script_whose_interpreter_is_gone(cli: Cli, tmp_path: Path) -> None:
    program = tmp_path / "gunicorn"
    program.write_text("#!/old/venv/bin/python\n")
    program.chmod(0o755)
    cli.app("web", command=f"[{program}]")
    (row,) = found(cli)["web", "program"]
    assert row["level"] == "problem" and "/old/venv/bin/python" in row["message"]


def test_what_apps_watch_counts(cli: Cli, tmp_path: Path) -> None:
    for name in ("a/b", "a/c", "node_modules/x"):
        (tmp_path / "app" / name).mkdir(parents=True)
    path = cli.app("web")
    path.write_text(path.read_text() + "  cwd: ../app\n  watch: {paths: [., dist]}\n")
    rows = found(cli)
    assert f"{tmp_path}/app/dist does not exist" in rows["web", "watch"][0]["message"]
    path.write_text(
        path.read_text() + "  build: {command: sleep 1, inputs: [a, srcc, package.json]}\n"
    )
    told = [row["message"] for row in found(cli)["web", "build"]]
    assert [text.partition(" does not exist")[0] for text in told] == [
        f"{tmp_path}/app/srcc",
        f"{tmp_path}/app/package.json",
    ]
    (row,) = rows["host", "watches"]
    assert row["message"].endswith(", 6 are needed")  # manifests; app, a, b, c, and above


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give its rights away")
def test_a_port_that_only_root_may_have(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = replace(gather(), capabilities=frozenset())
    monkeypatch.setattr("reconciler.cli.verbs.doctor.doctor.facts_of", lambda place: facts)
    path = cli.app("web")
    path.write_text(path.read_text() + "  sockets: [{name: http, port: 80}]\n")
    rows = found(cli)["web", "port"]
    assert rows[0]["level"] == "problem" and "may not listen on 127.0.0.1:80" in rows[0]["message"]
    assert "ip_unprivileged_port_start=80" in rows[0]["remedy"]
