"""The first manifest of a command says what a person who knows recon would write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.convert.command.first import draft_of
from reconciler.convert.errors import ImportFault
from reconciler.convert.manifests.draft import Fate
from reconciler.convert.manifests.finalise import bundle


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def written(folder: Path, *words: str, taken: tuple[str, ...] = ()) -> tuple[str, dict[str, Any]]:
    """Name and spec of the manifest, as it is written."""
    draft = draft_of(words, str(folder), taken, anywhere="::")
    (text,) = bundle([draft], str(folder / "manifests")).manifests.values()
    document = yaml.safe_load(text)
    return document["metadata"]["name"], {"kind": document["kind"], **document["spec"]}


def package(folder: Path, **fields: Any) -> None:
    (folder / "package.json").write_text(json.dumps({"name": "@acme/Shop_API", **fields}))


def test_a_node_server_gets_its_name_its_variables_and_the_port_that_they_name(shop: Path) -> None:
    package(shop)
    (shop / ".env").write_text("PORT=3100\n")
    (shop / "server.js").write_text("http.createServer(f).listen(process.env.PORT || 3000)")
    name, spec = written(shop, "node", "server.js")
    assert name == "shop-api"
    assert spec == {
        "kind": "App",
        "command": ["node", "server.js"],
        "cwd": "..",
        "envFrom": ["../.env"],
        "sockets": [{"name": "http", "port": 3100, "host": "::"}],
        "readinessProbe": {"tcpSocket": {"port": 3100}},
    }
    (shop / ".env").unlink()
    assert written(shop, "node", "server")[1]["sockets"][0]["port"] == 3000
    assert written(shop, "PORT=4", "node", "server")[1]["env"] == {"PORT": 4}


def test_a_server_on_this_host_alone_stays_there(shop: Path) -> None:
    (shop / "server.js").write_text("http.createServer(f).listen(8080, '127.0.0.1')")
    assert written(shop, "node", "server.js")[1]["sockets"] == [{"name": "http", "port": 8080}]


@pytest.mark.parametrize(
    ("script", "port"),
    [("node server.js", 3000), ("next start -p 4000", 4000), ("PORT=5 node server.js", None)],
)
def test_npm_is_seen_through(shop: Path, script: str, port: int | None) -> None:
    package(shop, scripts={"start": script, "serve": "node other.js"})
    (shop / "server.js").write_text("app.listen(3000)")
    spec = written(shop, "npm", "start")[1]
    assert spec["command"] == ["npm", "start"]
    assert spec["sockets"][0]["port"] == (port or 3000)
    assert "sockets" not in written(shop, "npm", "run", "serve")[1]


@pytest.mark.parametrize(
    ("words", "command", "socket", "probe"),
    [
        (
            ("uvicorn", "app:app", "--reload", "--port", "8001", "--host", "0.0.0.0"),
            ["uvicorn", "app:app", "--fd", 3],
            {"name": "http", "port": 8001, "host": "0.0.0.0"},
            {"log": "Application startup complete"},
        ),
        (
            ("gunicorn", "-w", "2", "-b", ":9000", "app:app"),
            ["gunicorn", "-w", 2, "app:app"],
            {"name": "http", "port": 9000, "host": "0.0.0.0"},
            {"tcpSocket": {"port": 9000}},
        ),
        (
            ("gunicorn", "-p", "gunicorn.pid", "app:app"),
            ["gunicorn", "-p", "gunicorn.pid", "app:app"],
            {"name": "http", "port": 8000},
            {"tcpSocket": {"port": 8000}},
        ),
        (
            ("hypercorn", "--bind", "127.0.0.1:7000", "app:app"),
            ["hypercorn", "app:app", "--bind", "fd://3"],
            {"name": "http", "port": 7000},
            {"log": "Running on"},
        ),
    ],
)
def test_a_server_that_takes_a_descriptor_gets_one(
    shop: Path, words: tuple[str, ...], command: list[Any], socket: Any, probe: Any
) -> None:
    spec = written(shop, *words)[1]
    assert (spec["command"], spec["sockets"]) == (command, [socket])
    assert spec["readinessProbe"] == probe and "strategy" not in spec


@pytest.mark.parametrize(
    ("words", "port"),
    [
        (("python3", "-m", "http.server", "8080"), 8080),
        (("flask", "run"), 5000),
        (("python3", "manage.py", "runserver", "0.0.0.0:8090"), 8090),
        (("./shop", "--port=7001"), 7001),
    ],
)
def test_a_server_that_binds_its_own_port_ends_before_the_next_one(
    shop: Path, words: tuple[str, ...], port: int
) -> None:
    spec = written(shop, *words)[1]
    assert spec["strategy"] == {"maxSurge": 0} and "sockets" not in spec
    assert spec["readinessProbe"] == {"tcpSocket": {"port": port}}


def test_a_worker_is_its_command_alone(shop: Path) -> None:
    name, spec = written(shop, "python3", "worker.py")
    assert (name, spec) == (
        "shop",
        {"kind": "App", "command": ["python3", "worker.py"], "cwd": ".."},
    )


def test_a_program_of_the_projects_environment_is_taken_from_there(shop: Path) -> None:
    (shop / "pyproject.toml").write_text('[project]\nname = "Books"\n')
    program = shop / ".venv/bin/uvicorn"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    name, spec = written(shop, "uvicorn", "app:app")
    assert (name, spec["command"][0]) == ("books", ".venv/bin/uvicorn")
    assert written(shop, "celery", "-A", "x")[1]["command"][0] == "celery"


def test_names_are_those_of_the_procfile_and_never_taken_twice(shop: Path) -> None:
    (shop / "Procfile").write_text("clock: python3 tick.py --fast\nweb: node server.js\n")
    assert written(shop, "python3", "tick.py", "--fast")[0] == "clock"
    assert written(shop, "python3", "send.py")[0] == "shop"
    assert written(shop, "python3", "send.py", taken=("shop",))[0] == "send"
    assert written(shop, "python3", "send.py", taken=("shop", "send"))[0] == "shop-2"


def test_what_is_built_is_built_before_a_rollout(shop: Path) -> None:
    package(shop, scripts={"build": "tsc", "start:prod": "node dist/main"})
    (shop / "src").mkdir()
    (shop / "tsconfig.json").write_text("{}")
    build = {"command": "npm run build", "inputs": ["src", "package.json", "tsconfig.json"]}
    assert written(shop, "node", "dist/main.js")[1]["build"] == build
    assert written(shop, "npm", "run", "start:prod")[1]["build"] == build
    assert "build" not in written(shop, "node", "src/main.js")[1]


def test_a_key_in_the_command_line_does_not_reach_the_manifest(shop: Path) -> None:
    draft = draft_of(["API_KEY=sk_live_4f9a8b7c6d5e4f3a2b1c0d9e", "node", "x.js"], str(shop))
    made = bundle([draft], str(shop / "manifests"))
    (text,) = made.manifests.values()
    assert "sk_live" not in text and "secretFile" in text and made.vault.files


def test_a_line_of_a_crontab_is_a_job(shop: Path) -> None:
    name, spec = written(shop, "30 2 * * 1-5 cd /srv/db && PGUSER=x ./backup --all")
    assert (name, spec["kind"], spec["schedule"]) == ("backup", "Job", "30 2 * * 1-5")
    assert (spec["command"], spec["cwd"]) == (["./backup", "--all"], "/srv/db")
    assert spec["env"] == {"PGUSER": "x"}
    for words in (("@daily sync",), ("@daily", "sync")):
        assert written(shop, *words)[1]["schedule"] == "0 0 * * *"
    (shop / "report.py").write_text("")
    assert written(shop, "0 3 * * * python3 report.py")[1].get("cwd") == ".."


def test_what_cron_gives_on_standard_input_is_named(shop: Path) -> None:
    draft = draft_of(["0 3 * * * mail -s 5\\% x%hello"], str(shop))
    assert draft.spec["command"] == ["mail", "-s", "5%", "x"]
    assert [note.fate for note in draft.notes] == [Fate.TODO]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("0", "3", "a.txt", "b.txt", "backup"), "stands in quotes"),
        (("@reboot /srv/run",), "give its command alone"),
        (("",), "no command"),
    ],
)
def test_what_is_no_command_is_refused(shop: Path, words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ImportFault, match=sentence):
        draft_of(words, str(shop))
