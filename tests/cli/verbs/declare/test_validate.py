"""`validate`: mistakes and advice, each with its place."""

from __future__ import annotations

import json

import pytest

from reconciler.model.host.load import Room
from tests.cli.conftest import Cli


def test_good_manifests_are_counted(cli: Cli) -> None:
    cli.app("web")
    cli.app("worker")
    done = cli("validate")
    assert (done.code, done.out) == (0, "2 apps, no problems\n")


def test_every_problem_is_told_with_its_place(cli: Cli) -> None:
    path = cli.app("web")
    path.write_text(path.read_text() + "  instnces: 2\n  umask: 99\n")
    done = cli("validate")
    assert done.code == 1
    assert "manifests/web.yaml:7:3: spec.instnces: unknown field, did you mean instances?" in (
        done.out
    )
    assert "manifests/web.yaml:8:10: spec.umask:" in done.out
    assert done.err == "2 problems in 1 file\n"
    document = json.loads(cli("validate", "-o", "json").out)
    assert document["formatVersion"] == 1
    assert [(e["line"], e["column"], e["path"]) for e in document["errors"]] == [
        (7, 3, "spec.instnces"),
        (8, 10, "spec.umask"),
    ]


def test_one_file_is_looked_at_within_its_directory(cli: Cli) -> None:
    bad = cli.app("bad")
    bad.write_text("nonsense")
    good = cli.app("good")
    assert cli("validate", good).code == 0
    assert cli("validate", bad).code == 1
    twin = cli.manifests / "twin.yaml"
    twin.write_text(good.read_text())
    done = cli("validate", twin)
    assert done.code == 1 and "also declared in" in done.out
    assert "no such file" in cli("validate", "nowhere.yaml").err


def test_elsewhere_than_on_the_host_nothing_is_looked_for(cli: Cli) -> None:
    cli.app("web", command="[no-such-program]")
    done = cli("validate")
    assert done.code == 1 and "no-such" in done.out
    done = cli("validate", "--no-host")
    assert (done.code, done.out) == (0, "1 app, no problems\n")


def test_advice_comes_in_the_order_of_the_file(cli: Cli) -> None:
    texts = [cli.app(name).read_text() + "  env: {PORT: 3000}\n" for name in ("b", "c", "a")]
    for name in ("b", "c", "a"):
        (cli.manifests / f"{name}.yaml").unlink()
    (cli.manifests / "all.yaml").write_text("---\n".join(texts))
    told = [line for line in cli("validate").out.splitlines() if "(advice)" in line]
    lines = [int(line.split(":")[1]) for line in told]
    assert len(lines) == 3 and lines == sorted(lines)


def test_what_this_host_has_no_room_for_is_advice(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.checks.rises.room", lambda *_: Room(memory=100 << 20))
    path = cli.app("web")
    path.write_text(path.read_text() + "  instances: 50\n")
    done = cli("validate")
    assert done.code == 0 and "1 app, no problems" in done.out
    told = "spec.instances: instances 0 → 50 waits: 400Mi of memory needed (8Mi each, a guess)"
    assert told in done.out
    (advice,) = json.loads(cli("validate", "-o", "json").out)["advice"]
    assert (advice["line"], advice["path"]) == (7, "spec.instances")
    assert "web" not in cli("validate", "--no-host").out
