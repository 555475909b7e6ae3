"""What a config puts into its own environment reaches its apps; what the shell has does not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.convert.host import Host
from reconciler.convert.manifests.finalise import bundle
from reconciler.convert.pm2.ecosystem.evaluate import is_within
from reconciler.convert.pm2.files import drafts_of
from tests.convert.conftest import manifests, problems

Write = Callable[[str, str], str]

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None, reason="no node in PATH: configs in JavaScript are not tried"
)
SHELL = {"PATH": os.environ["PATH"], "HOME": "/home/crm", "EDITOR": "vi", "NODE_ENV": "production"}
APPS = "module.exports = {apps: [{name: 'web', script: 'a.js'%s}]};"
MINI = """\
// In the manner of dotenv 16: what is there already stays, unless override is given.
const fs = require('fs'), path = require('path');
exports.config = ({ path: file = path.resolve(process.cwd(), '.env'), override = false } = {}) => {
  for (const line of fs.readFileSync(file, 'utf8').split('\\n')) {
    const match = /^\\s*([\\w.-]+)\\s*=\\s*(.*?)\\s*$/.exec(line);
    if (match && (override || !(match[1] in process.env)))
      process.env[match[1]] = match[2].replace(/^(['"])(.*)\\1$/, '$2');
  }
};
"""


def imported(file: str, **environ: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The spec of `web` in its manifest, and the notes on the file."""
    drafts, notes = drafts_of([file], Host(2, "::", {**SHELL, **environ}))
    found = bundle(drafts, os.path.dirname(file) + "/manifests")
    assert not problems(found)
    spec: dict[str, Any] = manifests(found)["web"]["spec"]
    return spec, {note.key: note.text for note in notes[file]}


@pytest.fixture
def dotenv(write: Write) -> None:
    """A dotenv of our own: it stands where npm would have put the real one."""
    write("node_modules/dotenv/index.js", MINI)


@pytest.mark.usefixtures("dotenv")
@pytest.mark.parametrize(
    ("load", "files"),
    [
        ("require('dotenv').config();", {".env": "DB=x\nB='two words'\n"}),
        ("require('dotenv').config({path: 'conf/.env.x'});", {"conf/.env.x": "DB=x\n"}),
        ("require('dotenv').config({override: true});", {".env": "DB=x\nEDITOR=emacs\n"}),
        ("process.loadEnvFile();", {".env": "DB=x\nB=1\n"}),
        (
            "const d = require('dotenv'); d.config({path: '.env.local'}); d.config();",
            {".env.local": "DB=local\n", ".env": "DB=x\nB=1\n"},
        ),
    ],
)  # fmt: skip
def test_what_a_dotenv_file_says_exactly_is_read_from_there(
    write: Write, load: str, files: dict[str, str]
) -> None:
    for name, text in files.items():
        write(name, text)
    spec, notes = imported(write("e.config.js", f"{load}\n{APPS % ''}"))
    assert spec["envFrom"] == [f"../{name}" for name in list(files)[::-1]]
    assert "env" not in spec
    assert "DB" in notes["process.env"] and "envFrom" in notes["process.env"]


@pytest.mark.usefixtures("dotenv")
def test_a_variable_that_the_shell_has_already_is_not_the_files(write: Write) -> None:
    write(".env", "DB=x\nEDITOR=emacs\n")
    spec, _ = imported(write("e.config.js", f"require('dotenv').config();\n{APPS % ''}"))
    assert "envFrom" not in spec
    assert spec["env"] == {"DB": "x"}


@pytest.mark.parametrize(
    "put",
    [
        "process.env.TZ_NAME = 'UTC'; process.env.N = 7;",
        "Object.assign(process.env, {TZ_NAME: 'UTC', N: 7});",
        "process.env = {...process.env, TZ_NAME: 'UTC', N: 7};",
        "process.env['TZ_NAME'] = 'UTC'; Reflect.set(process.env, 'N', 7);",
        "for (const [k, v] of [['TZ_NAME', 'UTC'], ['N', 7]]) process.env[k] = v;",
    ],
)
def test_what_it_sets_itself_is_written_down(write: Write, put: str) -> None:
    spec, notes = imported(write("e.config.js", f"{put}\n{APPS % ', env: {A: 1}'}"))
    assert spec["env"] == {"TZ_NAME": "UTC", "N": "7", "A": "1"}
    assert "N, TZ_NAME" in notes["process.env"]


def test_a_key_that_it_sets_goes_to_a_file_of_its_own(write: Write) -> None:
    put = "process.env.API_SECRET = 'sk_live_' + '4eC39HqLyjWDarjtT1zdp7dc';"
    spec, notes = imported(write("e.config.js", f"{put}\n{APPS % ''}"))
    assert spec["env"] == {"API_SECRET": {"secretFile": "secrets/web/API_SECRET"}}
    assert "4eC39" not in str(notes)


@pytest.mark.usefixtures("dotenv")
def test_the_apps_own_variables_win_and_filter_env_keeps_all_out(write: Write) -> None:
    write(".env", "DB=x\nPORT=1\n")
    own = ", env: {PORT: 2, DB: process.env.DB}, env_dev: {DB: 'dev', PORT: 2}"
    spec, _ = imported(write("e.config.js", f"require('dotenv').config();\n{APPS % own}"))
    assert spec["env"] == {"PORT": "2"} and spec["envFrom"] == ["../.env"]
    assert spec["profiles"] == {"dev": {"env": {"DB": "dev"}}}
    none = ", filter_env: true"
    spec, _ = imported(write("f.config.js", f"require('dotenv').config();\n{APPS % none}"))
    assert not {"env", "envFrom"} & spec.keys()


def test_what_is_read_of_the_shell_is_told_where_it_is_there(write: Write) -> None:
    read = ", env: {E: process.env.EDITOR, P: process.env.NOT_THERE || 3000}"
    _, notes = imported(write("e.config.js", APPS % read))
    assert [key for key in notes if "read from the environment" in notes[key]] == ["EDITOR"]


@pytest.mark.parametrize(
    "env",
    [
        "{...process.env, PORT: 3000, NODE_ENV: 'production', E: process.env.EDITOR}",
        "Object.assign({}, process.env, {PORT: 3000, NODE_ENV: 'production', E: 'vi'})",
        "(() => { const e = {...process.env}; e.PORT = 3000; e.NODE_ENV = 'production';"
        " e.E = process.env.EDITOR || 'vi'; return e; })()",
    ],
)
def test_a_copy_of_the_shell_is_not_written_down(write: Write, env: str) -> None:
    spec, notes = imported(
        write("e.config.js", APPS % f", env: {env}, env_dev: {{...process.env, PORT: 1}}"),
        SECRET_OF_ANOTHER="hush-hush",
    )
    assert set(spec["env"]) == {"PORT", "NODE_ENV"} | ({"E"} & spec["env"].keys())
    assert spec["profiles"]["dev"]["env"] == {"PORT": "1"}
    assert notes["...process.env"].startswith("5 variables of this shell")
    assert "hush" not in str(notes) and "SECRET_OF_ANOTHER" not in str(notes)


def test_what_differs_from_the_shell_stays(write: Write) -> None:
    env = ", env: {...process.env, NODE_ENV: 'test', EDITOR: 'ed'}"
    spec, _ = imported(write("e.config.js", APPS % env))
    assert spec["env"] == {"NODE_ENV": "test", "EDITOR": "ed"}


@pytest.mark.usefixtures("dotenv")
def test_a_copy_of_the_shell_after_dotenv_repeats_neither(write: Write) -> None:
    write(".env", "DB=x\n")
    env = ", env: {...process.env, PORT: 3000}"
    spec, _ = imported(write("e.config.js", f"require('dotenv').config();\n{APPS % env}"))
    assert spec["env"] == {"PORT": "3000"} and spec["envFrom"] == ["../.env"]


def test_files_that_a_config_claims_to_have_read_lie_where_it_may_read(tmp_path: Path) -> None:
    """It could have written the answer itself."""
    inside = str(tmp_path / "conf/.env")
    for claimed in ("/etc/.env", f"{tmp_path}/../.env", "conf/.env", "/x\0/.env", str(tmp_path)):
        assert not is_within(claimed, [str(tmp_path)])
    assert is_within(inside, [str(tmp_path)])
