"""What a program's own files say, as evidence for what its config leaves open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.convert.pm2.sources import Sources
from tests.convert.conftest import pm2_draft

ASKS = "if (process.env.NODE_APP_INSTANCE === '0') startCron();"


def project(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return str(folder)


@pytest.mark.parametrize(
    "files",
    [
        {"a.js": ASKS},
        {"a.js": "require('./lib/cron')", "lib/cron.js": ASKS},
        {"a.js": "require('./lib')", "lib/index.js": "require('../b')", "b.js": ASKS},
        {"a.js": "import { x } from './cron.js';", "cron.js": ASKS},
        {"a.js": "import './cron.js';", "cron.ts": ASKS},
        {"a.js": "await import('./cron.mjs');", "cron.mjs": ASKS},
        {"a.js": "for (const f of fs.readdirSync('jobs')) require(f);", "jobs/x.js": ASKS},
        {"package.json": "{}", "src/deep/x.ts": ASKS},
    ],
)
@pytest.mark.parametrize("instances", [1, 2])
def test_the_number_of_the_instance_is_set_where_the_program_asks_for_it(
    tmp_path: Path, files: dict[str, str], instances: int
) -> None:
    app = {"name": "a", "script": "a.js", "instances": instances}
    draft = pm2_draft(app, folder=project(tmp_path, files))
    assert draft.spec["env"] == {"NODE_APP_INSTANCE": {"perInstance": 0}}


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"a.js": "serve()"},
        {"a.js": "serve()", "another.js": ASKS},
        {"a.js": "require('x')", "node_modules/x/index.js": ASKS},
        {"ecosystem.config.js": "// NODE_APP_INSTANCE"},
    ],
)
def test_it_is_not_set_where_nothing_asks(tmp_path: Path, files: dict[str, str]) -> None:
    draft = pm2_draft({"name": "a", "script": "a.js"}, folder=project(tmp_path, files))
    assert "env" not in draft.spec


def test_a_variable_that_the_config_names_is_set() -> None:
    draft = pm2_draft({"name": "a", "script": "a.js", "instance_var": "N"})
    assert draft.spec["env"] == {"N": {"perInstance": 0}}
    used = pm2_draft({"name": "a", "script": "a.js", "args": "--id $NODE_APP_INSTANCE"})
    assert "NODE_APP_INSTANCE" in used.spec["env"]


def test_wait_ready_that_no_file_answers_is_no_probe(tmp_path: Path) -> None:
    app = {"name": "a", "script": "a.js", "wait_ready": True}
    folder = project(tmp_path, {"a.js": "serve()"})
    assert "readinessProbe" not in pm2_draft(app, folder=folder).spec
    (tmp_path / "a.js").write_text("if (process.send) process.send('ready')")
    assert pm2_draft(app, folder=folder).spec["readinessProbe"] == {"notify": True}


def test_nothing_of_unknown_kind_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.js")
    os.mkfifo(tmp_path / "b.js")
    (tmp_path / "loop").symlink_to(tmp_path)
    sources = Sources(str(tmp_path), "a.js")
    assert sources.script == b"" and sources.mention("x") is None
    assert Sources("/nowhere", "a\0.js").mention("x") is None
