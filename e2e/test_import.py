"""Imported apps really start, with the directory, arguments and environment that PM2 gives them.

The configs have the shape of what people run: a back end with a key pasted four times, a front
end behind npm, an ES module; and one with every kind of awkward text. PM2 itself is the oracle.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.harness import Recon, end
from e2e.node import needs_node, needs_npm
from tests.waiting import until

pytestmark = [needs_node, needs_npm]

# Says who it is, where the test finds it: in a folder above its own.
PROGRAM = """\
const fs = require('fs'), path = require('path');
const by = process.env.RECON_ID ? 'recon' : 'pm2';
const record = path.join(__dirname, '%s', `${process.env.PORT}.${by}`);
const told = {cwd: process.cwd(), args: process.argv.slice(2), env: process.env};
fs.writeFileSync(record + '.new', JSON.stringify(told));
fs.renameSync(record + '.new', record);
setInterval(() => {}, 1000);
"""
CRM = """\
const key = '%s';
const esign = { ESIGN_APP_ID: '100000001', ESIGN_PRIVATE_KEY: key };
const logs = (name) => ({
  error_file: `../logs/${name}-error.log`, out_file: `../logs/${name}-out.log`,
  log_date_format: 'YYYY-MM-DD HH:mm:ss', merge_logs: true, time: true,
});
module.exports = {
  apps: [
    // 后端生产环境
    { name: 'backend-prod', cwd: './backend', script: 'dist/main.js', instances: 1,
      exec_mode: 'fork', max_memory_restart: '300M', env_file: '.env',
      env: { NODE_ENV: 'production', PORT: 3000, ...esign },
      env_production: { NODE_ENV: 'production', PORT: 3000, ...esign }, ...logs('backend-prod') },
    { name: 'backend-dev', cwd: './backend', script: 'dist/main.js',
      watch: ['dist'], ignore_watch: ['node_modules', 'logs', 'uploads'],
      env: { NODE_ENV: 'development', PORT: 3001, ...esign },
      env_development: { NODE_ENV: 'development', PORT: 3001, ...esign }, ...logs('backend-dev') },
    { name: 'frontend-prod', cwd: './frontend', script: 'npm', args: 'run start:prod',
      env: { NODE_ENV: 'production', PORT: 8080 }, exec_mode: 'fork', ...logs('frontend-prod') },
    { name: 'frontend-dev', cwd: './frontend', script: 'npm', args: 'run dev -- --port 5173 --host',
      env: { NODE_ENV: 'development', PORT: 5173,
        VITE_API_BASE_URL: 'http://localhost:3001/api' }, ...logs('frontend-dev') },
  ],
};
"""
PREVIEW = """\
export default { apps: [{ name: 'preview', cwd: import.meta.dirname, script: 'vite.js',
  args: 'preview --port 4173 --host', env: { PORT: 4173 }, instances: 1, exec_mode: 'fork' }] };
"""
AWKWARD = [
    "",
    " lead and trail ",
    'it\'s "quoted"',
    "line one\nline two\n",
    "tab\there",
    "${HOME} $(id) `id` $PATH %HOME%",
    "-dash",
    "--",
    "~",
    "yes",
    "0x10",
    "1e3",
    "a: b # c",
    "{x}, [y]",
    "\\n \\ back",
    "😀 日本 ü \u2028",
    "*star & !tag",
    "=",
]
# What a program gets from recon besides its manifest, and what npm adds of its own accord.
OURS = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "RECON_ID"}


class Pm2:
    """A real PM2, with a home and so a daemon of its own."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "pm2@7"],
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"npm cannot install pm2, nothing to compare with: {done.stderr[:200]}")
        self._home = home
        self.environment = {**os.environ, "PM2_HOME": str(home / ".pm2"), "LANG": "C.UTF-8"}

    def start(self, config: Path) -> None:
        self("start", config.name, cwd=config.parent)

    def __call__(self, *words: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [self._home / "node_modules/.bin/pm2", *words],
            cwd=cwd or self._home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return done.stdout

    def close(self) -> None:
        if (self._home / ".pm2/pm2.pid").exists():
            self("kill")
        end(self._is_ours)

    def _is_ours(self, pid: int) -> bool:
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        return f"PM2_HOME={self._home}/.pm2".encode() in environ


@pytest.fixture
def pm2(tmp_path: Path) -> Iterator[Pm2]:
    made = Pm2(tmp_path / "pm2")
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A CRM in small, as programs go; `records` is what they said."""
    site = tmp_path / "crm"
    for folder in ("backend/dist", "frontend", "preview", "logs", "records"):
        (site / folder).mkdir(parents=True)
    (site / "backend/dist/main.js").write_text(PROGRAM % "../../records")
    (site / "frontend/server.js").write_text(PROGRAM % "../records")
    (site / "preview/vite.js").write_text(PROGRAM % "../records")
    (site / "backend/.env").write_text("FROM_FILE=yes\nPORT=1\n")
    scripts = {"start:prod": "node server.js", "dev": "node server.js"}
    (site / "frontend/package.json").write_text(json.dumps({"name": "x", "scripts": scripts}))
    return site


def record(site: Path, port: int | str, by: str) -> dict[str, Any]:
    path = site / "records" / f"{port}.{by}"
    until(path.exists, what=f"{path.name} is written")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def same_for_both(site: Path, port: int | str) -> dict[str, Any]:
    """The record by recon, once it is found to say what PM2's does."""
    theirs, ours = record(site, port, "pm2"), record(site, port, "recon")
    assert ours["cwd"] == theirs["cwd"]
    assert ours["args"] == theirs["args"]
    ignored = {name for name in ours["env"] if name.startswith("npm_")} | {"NODE", "COLOR"}
    declared = ours["env"].keys() - OURS - ignored - {"PWD", "INIT_CWD", "EDITOR", "FROM_FILE"}
    assert "PORT" in declared and "NODE_APP_INSTANCE" not in declared  # no program here names it
    assert {name: ours["env"][name] for name in declared} == {
        name: theirs["env"].get(name) for name in declared
    }
    return ours


def imported(recon: Recon, *words: str | Path) -> str:
    out = recon.cli("import", "pm2", *words, "-o", recon.manifests)
    valid = recon.cli("validate")
    assert valid.endswith("no problems\n"), valid
    return out


def test_the_apps_of_a_crm_run_as_with_pm2(recon: Recon, pm2: Pm2, site: Path) -> None:
    key = secrets.token_urlsafe(900)
    config = site / "ecosystem.config.js"
    config.write_text(CRM % key)
    preview = site / "preview/ecosystem.config.mjs"
    preview.write_text(PREVIEW)
    pm2.start(config)
    out = imported(recon, config, preview)
    assert key not in out
    kept = [
        path for path in recon.manifests.rglob("*") if path.is_file() and key in path.read_text()
    ]
    assert kept == [recon.manifests / "secrets/backend-prod/ESIGN_PRIVATE_KEY"]
    recon.run()
    for port in (3000, 3001, 8080, 5173):
        env = same_for_both(site, port)["env"]
        if port < 4000:
            assert env["ESIGN_PRIVATE_KEY"] == key
    assert record(site, 3000, "recon")["env"]["FROM_FILE"] == "yes"
    assert "FROM_FILE" not in record(site, 3000, "pm2")["env"]
    found = record(site, 4173, "recon")
    assert found["cwd"] == str(site / "preview")
    assert found["args"] == ["preview", "--port", "4173", "--host"]
    assert key not in recon.cli("status", "-o", "json")


def test_awkward_texts_reach_the_program_as_they_are(
    recon: Recon, pm2: Pm2, site: Path, tmp_path: Path
) -> None:
    env = {f"A{number}": text for number, text in enumerate(AWKWARD)}
    more = {"PORT": "1", "N": 1.50, "T": True, "O": {"a": [1, "b"]}, "BIG": 1e21}
    app = {
        "name": "awkward",
        "script": "backend/dist/main.js",
        "exec_mode": "fork",
        "args": [text for text in AWKWARD if text],
        "env": {**env, **more},
    }
    config = site / "ecosystem.config.js"
    config.write_text(f"module.exports = {{apps: [{json.dumps(app)}]}};")
    pm2.start(config)
    imported(recon, config)
    recon.run()
    ours = same_for_both(site, 1)
    assert ours["args"] == app["args"]
    assert {name: ours["env"][name] for name in env} == env


def test_from_running_reads_what_the_config_says(recon: Recon, pm2: Pm2, site: Path) -> None:
    config = site / "ecosystem.config.js"
    config.write_text(CRM % secrets.token_urlsafe(900))
    pm2.start(config)
    jlist = site / "jlist.json"
    jlist.write_text(pm2("jlist"))
    pm2("save")
    documents = []
    for words in (
        [config],
        ["--from-running", jlist],
        ["--from-running", pm2.environment["PM2_HOME"] + "/dump.pm2"],
    ):
        out = recon.cli(
            "import", "pm2", *words, "--dry-run", "--report", "json", "-o", site / "manifests"
        )
        texts = json.loads(out)["manifests"]
        lines = {
            Path(path).name: [line for line in text.splitlines() if _says_the_same(line)]
            for path, text in texts.items()
        }
        documents.append(lines)
    assert documents[0].keys() == documents[1].keys() == documents[2].keys()
    assert documents[0] == documents[1] == documents[2]


def _says_the_same(line: str) -> bool:
    """Not the comments, and not paths, which PM2 remembers as absolute."""
    return not line.lstrip().startswith(("#", "cwd:", "envFrom:", "stdout:", "stderr:"))


# -- What only runs shows

WAITS = """\
require('http').createServer((request, response) => response.end('x'))
  .listen(process.env.PORT, process.env.HOST);
const look = setInterval(() => {
  if (!require('fs').existsSync(__dirname + '/go')) return;
  clearInterval(look);
  process.send('ready');
}, 20);
"""
FASTCGI = """\
import socket
shared = socket.socket(fileno=0)
while True:
    shared.accept()[0].sendall(b"hello")
"""


@pytest.mark.parametrize("how", ["cluster", "fork", "npm"])
def test_wait_ready_is_waited_for_on_the_address_that_it_had(
    recon: Recon, tmp_path: Path, unused_port: int, how: str
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "waits.js").write_text(WAITS)
    scripts = {"start": "node waits.js"}
    (site / "package.json").write_text(json.dumps({"name": "x", "scripts": scripts}))
    env = {"PORT": unused_port, "HOST": "127.0.0.1"}
    app: dict[str, Any] = {"name": "waits", "script": "waits.js", "wait_ready": True, "env": env}
    app |= {"listen_timeout": 120_000}
    if how == "npm":
        app |= {"script": "npm", "args": "start"}
    elif how == "cluster":
        app |= {"exec_mode": "cluster", "instances": 2}
    config = site / "ecosystem.json"
    config.write_text(json.dumps({"apps": [app]}))
    imported(recon, config)
    recon.run()
    until(lambda: answers("127.0.0.1", unused_port), what="it listens")
    assert recon.of("waits")["ready"] == 0
    assert not answers("127.0.0.2", unused_port), "it listens on this address alone"
    (site / "go").touch()
    count = 2 if how == "cluster" else 1
    recon.healthy("waits", ready=count)
    recon.kill_controller()
    recon.run()
    recon.healthy("waits", ready=count, restarts=0)


STOPPED_BY_MESSAGE = """\
process.on('message', (message) => { console.log(`got ${message}`); process.exit(0); });
process.on('SIGINT', () => process.emit('message', 'shutdown'));
setInterval(() => {}, 1000);
console.log('up');
"""


def test_the_line_that_the_import_tells_makes_a_message_of_the_stop_signal(
    recon: Recon, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "a.js").write_text(STOPPED_BY_MESSAGE)
    config = site / "ecosystem.config.cjs"
    app = {"name": "a", "script": "a.js", "shutdown_with_message": True, "kill_timeout": 60_000}
    config.write_text(f"module.exports = {json.dumps({'apps': [app]})};")
    told = recon.cli("import", "pm2", config, "-o", recon.manifests)
    assert STOPPED_BY_MESSAGE.splitlines()[1].rstrip(";") in " ".join(told.split())
    recon.run()
    until(lambda: recon.log("a") == ["up"], what="it listens to messages")
    recon.cli("suspend", "a")
    until(lambda: recon.log("a") == ["up", "got shutdown"], what="it was told")


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ({"interpreter": "bun"}, ["bun", "x.ts"]),
        ({"interpreter": "bun", "exec_mode": "cluster", "instances": 2}, ["bun", "x.ts"]),
        ({"interpreter": "deno run -A"}, ["deno", "run", "-A", "x.ts"]),
        ({"interpreter": "deno", "interpreter_args": "run -A"}, ["deno", "run", "-A", "x.ts"]),
        ({"interpreter": "~/.bun/bin/bun", "args": "--port 1"}, ["bun", "x.ts", "--port", "1"]),
        ({"script": "bun", "args": "run x.ts"}, ["bun", "run", "x.ts"]),
        ({"script": "deno run -A x.ts"}, ["deno", "run", "-A", "x.ts"]),
        ({}, ["bun", "x.ts"]),
    ],
)
def test_what_bun_or_deno_ran_starts(
    recon: Recon, tmp_path: Path, app: dict[str, Any], words: list[str]
) -> None:
    """With stubs of them, which say how they were called."""
    site, programs = tmp_path / "site", tmp_path / "home/.bun/bin"
    site.mkdir()
    programs.mkdir(parents=True)
    (site / "x.ts").write_text("const x: number = 1;\n")
    for name in ("bun", "deno"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@"\nexec sleep 1000\n')
        (programs / name).chmod(0o755)
    recon.environment["HOME"] = str(tmp_path / "home")
    recon.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
    config = site / "ecosystem.config.cjs"
    apps = [{"name": "x", "script": "x.ts", **app}]
    config.write_text(f"module.exports = {json.dumps({'apps': apps})};")
    imported(recon, config)
    recon.run()
    recon.healthy("x", restarts=0)
    until(lambda: recon.log("x") == [" ".join(words)], what="it says how it was called")


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


def test_a_fastcgi_program_accepts_on_its_standard_input(
    recon: Recon, tmp_path: Path, unused_port: int
) -> None:
    (tmp_path / "app.py").write_text(FASTCGI)
    conf = tmp_path / "supervisord.conf"
    conf.write_text(
        f"[fcgi-program:app]\nsocket=tcp://localhost:{unused_port}\nnumprocs=2\n"
        f"process_name=%(process_num)d\ncommand={sys.executable} app.py\ndirectory={tmp_path}\n"
    )
    recon.cli("import", "supervisor", conf, "-o", recon.manifests)
    recon.run()
    recon.healthy("app", ready=2)
    with socket.create_connection(("127.0.0.1", unused_port), timeout=60) as client:
        assert client.recv(5) == b"hello"
