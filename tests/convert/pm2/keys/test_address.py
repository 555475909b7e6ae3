"""A cluster's socket is where its program would have listened, and never wider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.convert.manifests.draft import Draft, Fate
from reconciler.convert.manifests.finalise import bundle
from tests.convert.conftest import HOST, manifests, pm2_draft, problems, told

CLUSTER = {"name": "web", "script": "a.js", "exec_mode": "cluster", "instances": 2}
_SAME = {"0.0.0.0": "0.0.0.0", "::": "::", "::1": "::1"}


def drafted(folder: str = "/srv/crm", **keys: Any) -> Draft:
    draft = pm2_draft({**CLUSTER, **keys}, HOST, folder)
    assert not problems(bundle([draft], f"{folder}/manifests"))
    return draft


def socket(draft: Draft) -> dict[str, Any]:
    (found,) = draft.spec["sockets"]
    return dict(found)


@pytest.mark.parametrize("variable", ["HOST", "BIND", "ADDRESS", "LISTEN_HOST", "HOSTNAME"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "10.0.0.7"])
def test_a_variable_says_the_address(variable: str, address: str) -> None:
    found = socket(drafted(env={"PORT": 3000, variable: address}))
    host = "127.0.0.1" if address == "localhost" else address
    assert found == {"name": "http", "port": 3000, "host": host}


@pytest.mark.parametrize(
    ("args", "host"),
    [
        ("--port 3000 --host 127.0.0.1", "127.0.0.1"),
        ("--port=3000 --host=::1", "::1"),
        ("-p 3000 -H localhost", "127.0.0.1"),
        ("-p 3000 --hostname 127.0.0.1", "127.0.0.1"),
        ("--bind 127.0.0.1:3000", "127.0.0.1"),
        ("--listen tcp://127.0.0.1:3000", "127.0.0.1"),
        ("--address [::1]:3000", "::1"),
        ("--host --port 3000", "0.0.0.0"),
        ("--port 3000 --host", "0.0.0.0"),
        ("--port 3000 --host *", "0.0.0.0"),
        ("--port 3000", "::"),
    ],
)
def test_an_option_says_the_address(args: str, host: str) -> None:
    assert socket(drafted(args=args)) == {"name": "http", "port": 3000, "host": host}


def test_an_option_is_stronger_than_a_variable() -> None:
    draft = drafted(args="--host 127.0.0.1", env={"PORT": 3000, "HOST": "0.0.0.0"})
    assert socket(draft)["host"] == "127.0.0.1"


def test_a_profile_may_listen_elsewhere() -> None:
    env = {"PORT": 3000, "HOST": "127.0.0.1"}
    draft = drafted(env=env, env_production={"HOST": "0.0.0.0"}, env_x={"PORT": 4000}, env_y={})
    assert socket(draft)["host"] == "127.0.0.1"
    assert draft.profiles["production"]["sockets"][0]["host"] == "0.0.0.0"
    assert draft.profiles["x"]["sockets"][0] == {**socket(draft), "port": 4000}
    assert "sockets" not in draft.profiles["y"]


def test_a_name_that_is_no_address_is_for_this_host_alone_until_somebody_decides() -> None:
    draft = drafted(env={"PORT": 3000, "HOST": "crm.example.org"})
    assert socket(draft)["host"] == "127.0.0.1"
    assert "crm.example.org" in told(draft, Fate.TODO)["exec_mode: cluster"]


@pytest.mark.parametrize(
    ("env", "args", "path"),
    [
        ({"PORT": "/run/crm/web.sock"}, "", "/run/crm/web.sock"),
        ({"PORT": "run/web.sock"}, "", None),
        ({"SOCKET_PATH": "./run/web.sock"}, "", "../run/web.sock"),
        ({"HOST": "/run/crm/web.sock", "PORT": "3000"}, "", "/run/crm/web.sock"),
        ({}, "--listen unix:/run/crm/web.sock", "/run/crm/web.sock"),
        ({}, "--bind unix:///run/crm/web.sock", "/run/crm/web.sock"),
    ],
)
def test_a_path_is_a_unix_socket(env: dict[str, str], args: str, path: str | None) -> None:
    draft = drafted(env=env, args=args)
    if path is None:
        assert "sockets" not in draft.spec
        return
    (document,) = manifests(bundle([draft], "/srv/crm/manifests")).values()
    assert document["spec"]["sockets"] == [{"name": "http", "path": path}]


@pytest.mark.parametrize(
    ("listen", "host"),
    [
        ("app.listen(process.env.PORT, '127.0.0.1')", "127.0.0.1"),
        ("server.listen(PORT, process.env.HOST || 'localhost', up)", "127.0.0.1"),
        ('app.listen({ port: Number(process.env.PORT), host: "::1" })', "::1"),
        ("app.listen(process.env.PORT, () => log('127.0.0.1'))", "::"),
        ("app.listen(process.env.PORT)", "::"),
    ],
)
def test_a_literal_in_the_script_says_the_address(tmp_path: Path, listen: str, host: str) -> None:
    (tmp_path / "a.js").write_text(listen)
    draft = drafted(str(tmp_path), env={"PORT": 3000})
    assert socket(draft)["host"] == host
    elsewhere = "all addresses" in told(draft, Fate.CHANGED).get("exec_mode: cluster", "")
    assert elsewhere == (host == "::")


def test_what_the_env_file_says_counts(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=3100\nHOST=127.0.0.1\n")
    found = socket(drafted(str(tmp_path), env_file=".env"))
    assert found == {"name": "http", "port": 3100, "host": "127.0.0.1"}


# -- Only Node takes the socket by itself


@pytest.mark.parametrize("interpreter", ["node", "/usr/bin/node", "tsx", "ts-node", "nodemon"])
def test_what_runs_on_node_shares_the_socket(interpreter: str) -> None:
    draft = drafted(interpreter=interpreter, env={"PORT": 3000})
    assert socket(draft)["port"] == 3000
    assert not told(draft, Fate.TODO)


@pytest.mark.parametrize(
    ("interpreter", "word"),
    [
        ("bun", "reusePort"),
        ("/root/.bun/bin/bun", "reusePort"),
        ("deno", "reusePort"),
        ("python3", "gunicorn"),
        ("php", "php-fpm"),
        ("ruby", "LISTEN_FDS"),
    ],
)
def test_what_is_not_node_has_a_to_do_that_says_what_to_write(interpreter: str, word: str) -> None:
    draft = drafted(script="server", interpreter=interpreter, env={"PORT": 3000})
    assert "sockets" not in draft.spec and draft.spec["strategy"] == {"maxSurge": 0}
    message = told(draft, Fate.TODO)["exec_mode: cluster"]
    assert word in message and "{perInstance: 3000}" in message


def test_one_instance_of_bun_needs_nothing_to_be_done() -> None:
    draft = drafted(interpreter="bun", instances=1, env={"PORT": 3000})
    assert "sockets" not in draft.spec and not told(draft, Fate.TODO)
