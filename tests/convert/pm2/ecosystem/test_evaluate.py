"""Whatever a config does, the outcome is its data or one sentence with a place, in bounded time.

Each promise is tried on every engine that this machine has.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.convert.errors import ImportFault
from reconciler.convert.pm2.ecosystem import evaluate as module
from reconciler.convert.pm2.ecosystem.engine import Engine, engine
from reconciler.convert.pm2.ecosystem.evaluate import Evaluated, evaluate

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/home/x", "GREETING": "hello"}


def _node() -> Engine | None:
    try:
        found = engine(ENVIRON["PATH"], [])
    except ImportFault:
        return None
    return found if found.name == "node" else None


@pytest.fixture(params=["node", "quickjs"])
def run(request: pytest.FixtureRequest, folder: Path) -> Callable[..., Evaluated]:
    """Evaluate a text as a file of this name."""
    if request.param == "node" and _node() is None:
        pytest.skip("no Node of at least 20 in PATH: what it does with configs is not tested")
    if request.param == "quickjs":
        pytest.importorskip("quickjs", reason="quickjs-ng is not installed: not tested")

    def evaluated(text: str, name: str = "ecosystem.config.js", **options: Any) -> Evaluated:
        file = folder / name
        file.write_text(text)
        using = None if request.param == "node" else Engine("quickjs")
        return evaluate(str(file), ENVIRON, using=using, **options)

    return evaluated


@pytest.fixture
def folder() -> Iterator[Path]:
    """Below /tmp, where `nobody` can read it; pytest's own folders are closed to others."""
    made = tempfile.mkdtemp(prefix="recon-import-")
    os.chmod(made, 0o755)
    yield Path(made)
    shutil.rmtree(made)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 2)


def test_commonjs_with_computed_values(run: Callable[..., Evaluated], folder: Path) -> None:
    (folder / "shared.js").write_text("exports.name = 'x';")
    (folder / "package.json").write_text('{"version": "1.2.3"}')
    found = run(
        """
        const path = require('path'), os = require('os');
        const { name } = require('./shared'), { version } = require('./package.json');
        console.log('noise');
        module.exports = { apps: [{ name, version, cwd: path.join(__dirname, 'a', '..', 'b'),
          greeting: process.env.GREETING, port: process.env.PORT || 3000,
          home: os.homedir(), n: os.cpus().length, r: /a.c/ }] };
        """
    )
    assert found.value["apps"] == [
        {
            "name": "x",
            "version": "1.2.3",
            "cwd": f"{folder}/b",
            "greeting": "hello",
            "port": 3000,
            "home": "/home/x",
            "n": len(os.sched_getaffinity(0)),
            "r": {"$": "a regular expression", "source": "a.c"},
        }
    ]
    assert "GREETING" in found.reads and "PORT" not in found.reads
    assert {"GREETING", "PORT"} <= {*found.requested}
    assert found.cores == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("name", ["ecosystem.config.js", "ecosystem.config.mjs"])
def test_es_modules(run: Callable[..., Evaluated], folder: Path, name: str) -> None:
    (folder / "base.mjs").write_text("export const base = { instances: 2 };\n")
    found = run(
        "import path, { join as glue } from 'node:path';\nimport { base } from './base.mjs';\n"
        "export default { apps: [{ ...base, cwd: glue('a', 'b'), is: path.sep }] };\n"
        if name.endswith(".mjs")
        else "export default {\n  apps: [{ instances: 2, cwd: 'a/b', is: '/' }],\n};\n",
        name,
    )
    assert found.value == {"apps": [{"instances": 2, "cwd": "a/b", "is": "/"}]}


def test_json_with_comments_is_an_expression(run: Callable[..., Evaluated]) -> None:
    text = "{ // ours\n  apps: [{ name: 'a', script: \"x.js\", },] }"
    found = run(text, "ecosystem.json", expression=True)
    assert found.value == {"apps": [{"name": "a", "script": "x.js"}]}


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("\n\nprocess.exit(0)", ":3:", "calls process.exit"),
        ("\nthrow new TypeError('no\\nway')", ":2:", "TypeError: no"),
        ("throw null", "", "null"),
        ("module.exports = {\n  apps: [ } \n", ":2", "SyntaxError"),
        ("module.exports = Promise.resolve({apps: []})", "", "exports a promise"),
        ("module.exports = async () => ({})", "", "exports a function"),
        ("module.exports = 7", "", "exports no apps"),
        ("", "", "exports no apps"),
        ("const a = {}; a.a = a; module.exports = a", "", "in a circle"),
        ("module.exports = {get apps() {\n throw new Error('g') }}", ":2:", "Error: g"),
        ("\nconst f = () => f() + 1; f()", ":2:", "Maximum call stack"),
        ("\nrequire('./nowhere')", ":2:", "Cannot find module"),
        ("\nrequire('child_process').execSync('id')", ":2:", ""),
        ("\nrequire('fs').writeFileSync('x', 'y')", ":2:", ""),
        ("module.exports = {apps: ['x'.repeat(2e7)]}", "", "more than 8 MiB"),
        ("module.exports = {apps: Array.from({length: 2e5}, () => 1)}", "", "100000 values"),
    ],
)
def test_a_config_that_cannot_be_had_is_told_with_its_place(
    run: Callable[..., Evaluated], folder: Path, text: str, place: str, words: str
) -> None:
    with pytest.raises(ImportFault) as caught:
        run(text)
    told = str(caught.value)
    assert told.startswith(f"{folder}/ecosystem.config.js{place}"), told
    assert words in told
    assert "\n" not in told


@pytest.mark.usefixtures("hurried")
def test_a_config_that_loops_for_ever_is_stopped(run: Callable[..., Evaluated]) -> None:
    with pytest.raises(ImportFault, match="does not end"):
        run("for (;;);")


@pytest.mark.parametrize("what", ["'x'.repeat(1e5) + Math.random()", "{ x: 1, y: [1, 2] }"])
def test_a_config_that_allocates_for_ever_is_stopped(
    run: Callable[..., Evaluated], what: str
) -> None:
    with pytest.raises(ImportFault, match=r"memory|does not end"):
        run(f"const all = []; for (;;) all.push({what});")


def test_memory_outside_of_the_heap_is_counted_as_well(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if _node() is None:
        pytest.skip("no Node of at least 20 in PATH: only Node has memory outside of its heap")
    monkeypatch.setattr(module, "_MEMORY", 400 * 2**20)
    file = folder / "ecosystem.config.js"
    file.write_text("const all = []; while (all.length < 800) all.push(Buffer.alloc(1 << 20, 1));")
    with pytest.raises(ImportFault, match="takes more memory"):
        evaluate(str(file), ENVIRON)


def test_what_a_config_prints_or_leaves_running_is_nothing_to_us(
    run: Callable[..., Evaluated],
) -> None:
    text = (
        "setInterval(() => {}, 1000); Promise.reject(new Error('late'));"
        "for (let i = 0; i < 1e4; i++) console.log('x'.repeat(100));"
        "module.exports = {apps: [1]}"
    )
    assert run(text).value == {"apps": [1]}


def test_a_config_reads_below_its_folder_and_what_it_is_allowed_to(
    run: Callable[..., Evaluated],
) -> None:
    other = Path(tempfile.mkdtemp(prefix="recon-import-"))
    other.chmod(0o755)
    try:
        (other / "x.json").write_text("[1]")
        text = (
            f"module.exports = {{apps: JSON.parse(require('fs').readFileSync('{other}/x.json'))}}"
        )
        with pytest.raises(ImportFault, match=f"--allow-read {other}"):
            run(text)
        assert run(text, also=[str(other)]).value == {"apps": [1]}
    finally:
        shutil.rmtree(other)


def test_a_config_reaches_no_network(folder: Path) -> None:
    if _node() is None:
        pytest.skip("no Node of at least 20 in PATH, and quickjs has no network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        file = folder / "ecosystem.config.mjs"
        file.write_text(
            "import net from 'node:net';\n"
            f"const client = net.connect({port}, '127.0.0.1');\n"
            "const said = await new Promise((done) => {\n"
            "  client.on('error', (e) => done(e.code)).on('connect', () => done('in')); }"
            ");\nexport default {apps: [said]};\n"
        )
        assert evaluate(str(file), ENVIRON).value["apps"] != ["in"]


def test_as_root_a_config_is_nobodys_or_has_no_capability(folder: Path) -> None:
    if os.geteuid() != 0 or _node() is None:
        pytest.skip("needs root and Node of at least 20: how root is left is not tested")
    text = (
        "const fs = require('fs');\n"
        "module.exports = {apps: [process.getuid(), fs.readFileSync(__filename).length > 0,\n"
        "  fs.readFileSync('/proc/self/status', 'utf8')]}"
    )
    file = folder / "ecosystem.config.js"
    file.write_text(text)
    found = evaluate(str(file), ENVIRON, also=["/proc"]).value["apps"]
    assert found[0] == 65534
    folder.chmod(0o700)  # as below /root: only root itself can read it
    found = evaluate(str(file), ENVIRON, also=["/proc"]).value["apps"]
    status = dict(line.split(":\t", 1) for line in found[2].splitlines() if ":\t" in line)
    assert (found[0], found[1]) == (0, True)
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}
    assert status["NoNewPrivs"] == "1"
    os.chown(file, 1234, 1234)
    os.chown(folder, 1234, 1234)
    assert evaluate(str(file), ENVIRON, also=["/proc"]).value["apps"][0] == 1234


def test_without_any_engine_the_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportFault, match=r"^/x.js: .*Node 20 or newer, or .*reconciler\[import\]"):
        evaluate("/x.js", {"PATH": str(tmp_path)})
    (tmp_path / "old").mkdir()
    old = tmp_path / "old" / "node"
    old.write_text("#!/bin/sh\necho v18.19.0\n")
    old.chmod(0o755)
    with pytest.raises(LookupError, match="Node 18 here cannot restrict it"):
        engine(str(tmp_path / "old"), ["/x"])


@pytest.mark.parametrize(
    ("version", "flag"),
    [
        ("v20.2.0", "--experimental-permission"),
        ("v22.12.0", "--experimental-permission"),
        ("v22.13.1", "--permission"),
        ("v23.4.0", "--experimental-permission"),
        ("v23.5.0", "--permission"),
        ("v25.1.0", "--permission"),
    ],
)
def test_the_permission_flag_is_that_of_the_version(
    tmp_path: Path, version: str, flag: str
) -> None:
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho {version}\n")
    node.chmod(0o755)
    found = engine(str(tmp_path), ["/srv/crm"])
    assert flag in found.argv
    assert "--allow-fs-read=/srv/crm/*" in found.argv
