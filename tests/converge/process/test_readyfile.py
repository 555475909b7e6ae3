"""`process.send('ready')` of unchanged Node programs reaches recon, as it reached PM2."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from reconciler.converge.process.readyfile import ReadyFiles, variables
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.observed import Tag
from tests.converge.inherited import PRELOAD

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node in PATH")
NOTIFY = {"command": ["x"], "readinessProbe": {"notify": True}}
FORKS = """
const { fork } = require('child_process');
if (process.argv[2] === 'child') { process.send('ready'); process.disconnect(); }
else fork(__filename, ['child']).on('message', (message) => console.log('child ' + message));
"""


def run(folder: Path, code: str, name: str = "a.js", **environ: str) -> tuple[str, bool]:
    """What the program prints, and whether it has said that it is ready."""
    (folder / name).write_text(code)
    said = folder / "ready"
    said.touch()
    done = subprocess.run(
        ["node", folder / name],
        env={
            "PATH": os.environ["PATH"],
            "RECON_READY_FILE": str(said),
            "NODE_OPTIONS": f"--require={PRELOAD}",
            **environ,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr, said.stat().st_size > 0


@needs_node
@pytest.mark.parametrize(
    "say",
    [
        "process.send('ready')",
        "if (process.send) process.send('ready');",
        "process.send?.('ready')",
        "if (process.connected) process.send('ready', undefined, {}, () => {});",
        "const { send } = process; send('ready')",
        "setTimeout(() => process.send('ready'), 20)",
        "process.send('ready'); process.disconnect();",
    ],
)
def test_ready_is_noted(tmp_path: Path, say: str) -> None:
    assert run(tmp_path, say) == ("", True)


@needs_node
def test_ready_is_noted_from_an_es_module(tmp_path: Path) -> None:
    code = "import { send } from 'node:process';\nsend('ready');\n"
    assert run(tmp_path, code, "a.mjs") == ("", True)


@needs_node
@pytest.mark.parametrize(
    "say",
    [
        "process.send({type: 'ready'})",
        "process.send('axm:monitor', {}); process.send(null); process.send(Symbol('x'));",
        "process.disconnect(); process.send('ready');",
        "process.on('message', () => {});",
    ],
)
def test_all_else_is_taken_and_dropped(tmp_path: Path, say: str) -> None:
    assert run(tmp_path, say) == ("", False)


@needs_node
def test_a_callback_is_called_and_told_of_an_error(tmp_path: Path) -> None:
    code = "process.send('ready', (error) => console.log(String(error && error.code)))"
    assert run(tmp_path, code)[0] == "null\n"
    assert run(tmp_path, code, RECON_READY_FILE="/nowhere/x")[0] == "ENOENT\n"
    gone = "process.on('disconnect', () => console.log('gone', process.connected));"
    assert run(tmp_path, f"{gone} process.disconnect()")[0] == "gone false\n"


@needs_node
def test_a_process_with_a_channel_of_its_own_keeps_it(tmp_path: Path) -> None:
    assert run(tmp_path, FORKS) == ("child ready\n", False)


@needs_node
def test_a_program_behind_npm_or_a_shell_is_heard(tmp_path: Path) -> None:
    code = "require('child_process').execSync('node b.js', {stdio: 'inherit', cwd: __dirname});"
    (tmp_path / "b.js").write_text("process.send('ready')")
    assert run(tmp_path, code) == ("", True)


@needs_node
def test_without_the_file_nothing_is_there(tmp_path: Path) -> None:
    code = "console.log(typeof process.send, process.connected)"
    assert run(tmp_path, code, RECON_READY_FILE="")[0] == "undefined undefined\n"


# -- The files


def tag(nonce: str) -> Tag:
    return Tag("test-store", "web", 0, "hash", nonce)


def test_a_file_is_the_instances_own_and_goes_with_it(tmp_path: Path) -> None:
    files = ReadyFiles(tmp_path, "test-store", "/p.cjs")
    told = variables(AppSpec.model_validate(NOTIFY), tag("one"), {"NODE_OPTIONS": "--x"})
    path = Path(told["RECON_READY_FILE"])
    try:
        assert told["NODE_OPTIONS"] == "--x --require=/p.cjs"
        files.create("one", (1234, 1235) if os.geteuid() == 0 else None)
        status = path.stat()
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert os.geteuid() != 0 or (status.st_uid, status.st_gid) == (1234, 1235)
        assert not files.is_ready("one")
        path.write_text("READY=1\n")
        assert files.is_ready("one") and not files.is_ready("two")
        assert ReadyFiles(tmp_path, "test-store", "/p.cjs").is_ready("one")
        files.create("two", None)
        files.sweep({"one"})
        assert files.is_ready("one") and not (path.parent / "two").exists()
    finally:
        for nonce in ("one", "two"):
            files.remove(nonce)
    assert not path.parent.exists()
    assert not files.is_ready("one")


def test_who_waits_for_no_word_is_told_nothing(tmp_path: Path) -> None:
    ReadyFiles(tmp_path / "tmp", "test-store", "/p.cjs")
    assert variables(AppSpec.model_validate({"command": ["x"]}), tag("one"), {}) == {}
    hidden = AppSpec.model_validate({**NOTIFY, "privateTmp": True})
    ReadyFiles(tmp_path, "test-store", "/tmp/state/node.cjs")
    assert variables(hidden, tag("one"), {}) == {}
