"""The command line that PM2 would run: script, interpreter, their arguments.

Source of the rules: PM2 7, ``Common.verifyConfs``, ``prepareAppConf`` and ``resolveInterpreter``.
Where PM2 looks at the host (is there such a script, is it binary), so does this; where the script
is not there yet (``dist/`` before the first build), its name decides.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from reconciler.convert.host import Host
from reconciler.convert.manifests.draft import Draft, Fate
from reconciler.convert.pm2.values import is_true, text_of, words_of
from reconciler.convert.shell import without_shell
from reconciler.system.files.regular import read_head

# PM2: lib/API/interpreter.json. It runs TypeScript with bun, or where there is none with Node.
# fmt: off
_BY_SUFFIX = {
    ".sh": "bash", ".py": "python", ".rb": "ruby", ".php": "php",
    ".pl": "perl", ".js": "node", ".mjs": "node", ".cjs": "node",
    ".coffee": "coffee", ".ls": "lsc", ".ts": "bun", ".tsx": "bun",
}
# fmt: on
_BUNDLED = {"coffee", "lsc"}


# Programs that are Node, or start it: those in which NODE_OPTIONS has its effect.
_ON_NODE = {
    *("node", "nodejs", "npm", "npx", "pnpm", "yarn", "tsx", "ts-node", "ts-node-esm", "nodemon"),
    *("ts-node-dev", "tsnd", "babel-node", "coffee", "lsc", "serve", "next", "nuxt", "vite"),
}


class Run(NamedTuple):
    """``by_node``: PM2 could run it in cluster mode, as it does Node and bun; ``on_node``: it is
    Node, so that it loads recon's preload; ``by_python``: PM2 has it unbuffered."""

    command: list[str]
    by_node: bool = False
    by_python: bool = False
    on_node: bool = False


def run_of(conf: dict[str, Any], cwd: str, host: Host, draft: Draft) -> Run | None:
    """How the app is started; None where the config does not say."""
    run = _run(conf, cwd, host, draft)
    return run and run._replace(on_node=_is_on_node(run.command, cwd, host))


def _is_on_node(command: list[str], cwd: str, host: Host) -> bool:
    """By its name, or by the first line of the script that the name leads to."""
    first = command[0]
    if os.path.basename(first) in _ON_NODE:
        return True
    path = os.path.join(cwd, first) if "/" in first else host.find(first)
    line = _start(path).partition(b"\n")[0] if path else b""
    return line.startswith(b"#!") and re.search(rb"[/ ]node(js)?\b", line) is not None


def _run(conf: dict[str, Any], cwd: str, host: Host, draft: Draft) -> Run | None:
    script = conf.get("script")
    if not isinstance(script, str) or not script.strip():
        return None
    if " " in script:
        return _shell_line(text_of(script), conf, draft)
    args = words_of(conf.get("args"))
    if script == "serve":
        note = "is PM2's own file server; here it means the program `serve` (npm install serve)"
        draft.note(Fate.TODO, "script: serve", note)
        return Run([script, *args])
    return _Program(text_of(script), cwd, host, draft).run(args, conf)


def _shell_line(script: str, conf: dict[str, Any], draft: Draft) -> Run:
    """PM2 gives a script with a blank in it to bash, and forgets ``args``."""
    if conf.get("args"):
        draft.note(Fate.UNNEEDED, "args", "PM2 ignores them where script contains a space")
    words = without_shell(script)
    if words is None:
        return Run(["bash", "-c", script])
    draft.note(Fate.CHANGED, "script", "runs without bash, which the command does not need")
    return Run(words)


@dataclass(frozen=True, slots=True)
class _Program:
    """A script or program, looked for as PM2 does: beside cwd first, then in PATH."""

    script: str
    cwd: str
    host: Host
    draft: Draft

    @property
    def here(self) -> str:
        return os.path.join(self.cwd, self.script)

    @property
    def is_beside(self) -> bool:
        """A bare word that is nowhere yet is a program's, one with a script's suffix is not."""
        suffix = os.path.splitext(self.script)[1]
        return os.path.exists(self.here) or "/" in self.script or suffix in _BY_SUFFIX

    def run(self, args: list[str], conf: dict[str, Any]) -> Run:
        options = words_of(conf.get("node_args"))
        given = conf.get("exec_interpreter")
        in_path = None if self.is_beside else self.host.find(self.script)
        interpreter: str | None
        if isinstance(given, str) and given and given != "none":
            interpreter, *more = _interpreter(given, self.host, self.draft)
            options = [*more, *options]
        elif given == "none" or (in_path and not options):
            by_node = given is None and in_path is not None and not _is_binary(in_path)
            return Run([self._itself(), *args], by_node)
        elif in_path:
            interpreter = None if _is_binary(in_path) else "node"
        else:
            interpreter = self._guessed()
        if interpreter is None:
            return Run([self._itself(), *args])
        return _interpreted(interpreter, options, in_path or self.script, args, conf)

    def _itself(self) -> str:
        """A program beside cwd needs a slash, or PATH would be searched for it."""
        return f"./{self.script}" if self.is_beside and "/" not in self.script else self.script

    def _guessed(self) -> str | None:
        """The interpreter by the script's suffix or content; None for a program of its own."""
        found = _BY_SUFFIX.get(os.path.splitext(self.script)[1])
        if found == "bun" and self.host.find("bun") is None:
            return "node"
        if found == "python" and self.host.find("python") is None:
            return "python3"
        if found in _BUNDLED:
            self.draft.note(Fate.TODO, "script", f"PM2 includes {found}; recon does not")
        if found is not None or not os.path.exists(self.here) or _is_binary(self.here):
            return found
        if _start(self.here).startswith(b"#!") and os.access(self.here, os.X_OK):
            note = "runs with the interpreter of its first line (#!); PM2 would run it with Node"
            self.draft.note(Fate.CHANGED, "script", note)
            return None
        return "node"


def _interpreted(
    interpreter: str, options: list[str], script: str, args: list[str], conf: dict[str, Any]
) -> Run:
    name = os.path.basename(interpreter)
    by_node = name.endswith(("node", "bun"))
    if name.endswith("node") and is_true(conf.get("source_map_support")):
        options = [*options, "--enable-source-maps"]
    command = [interpreter, *options, script, *args]
    return Run(command, by_node=by_node, by_python="python" in interpreter)


def _interpreter(given: str, host: Host, draft: Draft) -> list[str]:
    """The program, and the options that stand behind it in the same text."""
    name, at, version = given.partition("@")
    if name != "node" or not at:
        return _words(text_of(given), host, draft)
    folder = host.environ.get("NVM_DIR") or os.path.join(host.environ.get("HOME", ""), ".nvm")
    path = os.path.join(folder, "versions", "node", f"v{version}", "bin", "node")
    if os.path.exists(path):
        return [path]
    note = f"PM2 would have nvm install that Node; it is not in {folder}: name the one to be used"
    draft.note(Fate.TODO, f"interpreter: {text_of(given)}", note)
    return ["node"]


def _words(given: str, host: Host, draft: Draft) -> list[str]:
    """``deno run -A`` and ``~/.bun/bin/bun``: what a shell would make of them."""
    if os.path.exists(given):
        return [given]
    first, *options = given.split() or [given]
    home = host.environ.get("HOME", "")
    found = os.path.join(home, first[2:]) if first.startswith("~/") and home else first
    if [found, *options] != [given]:
        note = (
            "PM2 takes all of it as the name of one program; recon splits it into"
            " program and arguments"
        )
        draft.note(Fate.CHANGED, f"interpreter: {given}", note)
    return [found, *options]


def _is_binary(path: str) -> bool:
    return b"\0" in _start(path)


def _start(path: str) -> bytes:
    try:
        return read_head(path, 512)
    except (OSError, ValueError):
        return b""
