"""Ecosystem files in YAML and JSON; what is beside the apps is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.convert.errors import ImportFault
from reconciler.convert.pm2.ecosystem.config import read
from tests.convert.conftest import HOST

Write = Callable[[str, str], str]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ecosystem.json", '{"apps": [{"name": "a", "script": "a.js"}]}'),
        ("ecosystem.yaml", "apps:\n  - name: a\n    script: a.js\n"),
        ("ecosystem.yml", "- name: a\n  script: a.js\n"),
        ("one.json", '{"name": "a", "script": "a.js"}'),
        ("old.json", '{"pm2": [{"name": "a", "script": "a.js"}]}'),
        ("base.yaml", "x: &x {script: a.js}\napps:\n  - <<: *x\n    name: a\n"),
    ],
)
def test_all_forms_are_read(write: Write, name: str, text: str) -> None:
    assert read(write(name, text), HOST).apps == ({"name": "a", "script": "a.js"},)


def test_what_is_beside_the_apps_is_told(write: Write) -> None:
    text = '{"apps": [{"script": "a"}], "deploy": {"x": {}}, "static": [{"path": "."}]}'
    assert [note.key for note in read(write("e.json", text), HOST).notes] == ["deploy", "static"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("e.yaml", "apps: [\n", "e.yaml:2:1: not YAML"),
        ("e.yaml", "apps: [1]", "app 1 is not an object"),
        ("e.yaml", "", "app 1 is not an object"),
        ("e.toml", "", "is not a PM2 config"),
    ],
)
def test_mistakes_have_a_place(write: Write, name: str, text: str, message: str) -> None:
    with pytest.raises(ImportFault) as caught:
        read(write(name, text), HOST)
    assert message in str(caught.value)


def test_a_file_that_is_not_there_is_told(write: Write) -> None:
    with pytest.raises(ImportFault, match="No such file"):
        read("/nowhere/ecosystem.config.js", HOST)


def test_the_variables_that_a_config_read_are_told(write: Write) -> None:
    import os
    import shutil

    from reconciler.convert.host import Host

    if shutil.which("node") is None:
        pytest.skip("no node in PATH: what a config reads is not looked at")
    environ: dict[str, Any] = {"PATH": os.environ["PATH"], "DB_HOST": "db"}
    text = (
        "module.exports = {apps: [{script: 'a', env: {H: process.env.DB_HOST},"
        " instances: require('os').cpus().length}]}"
    )
    found = read(write("e.config.js", text), Host(2, "::", environ))
    assert found.apps[0]["env"] == {"H": "db"}
    assert f"said {found.apps[0]['instances']} on this host" in found.notes[1].text
    assert [note.key for note in found.notes] == ["DB_HOST", "os.cpus()"]
