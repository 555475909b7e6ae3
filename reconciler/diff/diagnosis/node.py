"""What Node says when a program cannot run."""

from __future__ import annotations

import re

from reconciler.diff.diagnosis.cause import Cause, CauseCode, Evidence

_MODULE = re.compile(r"Cannot find (?:module|package) '([^']{1,300})'")
_IMPORTED = re.compile(r"imported from ([^ ]{1,300})")
_PLACE = re.compile(r"^(?:file://)?(/[^ :]{1,300}):(\d{1,7})$")
_SYNTAX = re.compile(r"^SyntaxError: (.{1,200})")
_VERSION = re.compile(r"^Node\.js (v\d+\.\d+\.\d+)")
_ADDON = re.compile(r"was compiled against a different Node\.js version")
_EXTENSION = re.compile(r'Unknown file extension "(\.[a-z]{1,5})"(?: for (\S{1,300}))?')
_EXPORT = re.compile(r"does not provide an export named '([^']{1,100})'")
_HEAP = ("JavaScript heap out of memory", "Reached heap limit")
_IS_MODULE = (
    "Cannot use import statement outside a module",
    "Unexpected token 'export'",
    "await is only valid in async functions",
)


def recognise(evidence: Evidence) -> Cause | None:
    """The cause, if Node's output shows one."""
    return _heap(evidence) or _module(evidence) or _syntax(evidence) or _other(evidence)


def _heap(evidence: Evidence) -> Cause | None:
    if not evidence.output.has(*_HEAP):
        return None
    message = "Node ran out of heap memory: JavaScript heap out of memory"
    remedy = "env: {NODE_OPTIONS: --max-old-space-size=4096} (MiB) gives it more; if it keeps"
    return Cause(CauseCode.OUT_OF_MEMORY, message, f"{remedy} growing (`recon top`), it leaks")


def _module(evidence: Evidence) -> Cause | None:
    found = evidence.output.find(_MODULE)
    if found is None:
        return None
    name = found[1]
    if name.startswith("node:"):
        message = f"this Node has no built-in module {name}"
        return Cause(
            CauseCode.RUNTIME_VERSION, message, "run it with a newer Node: its path in `command`"
        )
    if name.startswith((".", "/", "file:")):
        return _file(evidence, name.removeprefix("file://"))
    package = "/".join(name.split("/")[: 2 if name.startswith("@") else 1])
    message = f"the package {package} is not installed: Cannot find module '{name}'"
    remedy = evidence.facts.install
    return Cause(
        CauseCode.MODULE_MISSING,
        message,
        f"{remedy} (add {package} to package.json if it is not there)",
    )


def _file(evidence: Evidence, name: str) -> Cause:
    """A file of the program itself."""
    script = next((w for w in evidence.spec.command[1:] if not w.startswith("-")), "")
    if script and name.endswith(script.removeprefix("./")):
        message = f"there is no file {name}, which `command` names"
        remedy = f"build it, or correct `command` or `cwd` ({evidence.spec.cwd})"
    else:
        message = f"a file of the program is missing: Cannot find module '{name}'"
        remedy = "build or deploy it again; file names are case-sensitive on Linux"
    return Cause(CauseCode.FILE_MISSING, message, remedy)


def _syntax(evidence: Evidence) -> Cause | None:
    found = evidence.output.find(_SYNTAX)
    if found is None:
        return None
    place, version = evidence.output.find(_PLACE), evidence.output.find(_VERSION)
    if place is None and version is None:
        return None  # another language's
    message = f"{place[1]}:{place[2]}: SyntaxError: {found[1]}" if place else found[0]
    if any(text in found[1] for text in _IS_MODULE):
        remedy = 'write "type": "module" in package.json, or name the file .mjs'
        return Cause(CauseCode.SYNTAX_ERROR, message, remedy)
    if _EXPORT.search(found[1]):
        remedy = "correct the name in the import, or install the version that has it"
        return Cause(CauseCode.SYNTAX_ERROR, message, remedy)
    remedy = "correct that line"
    if version is not None:
        remedy += (
            f"; if the line is valid in a newer Node than {version[1]}, name that one in `command`"
        )
    return Cause(CauseCode.SYNTAX_ERROR, message, remedy)


def _other(evidence: Evidence) -> Cause | None:
    if evidence.output.find(_ADDON):
        message = "a native package was compiled for another version of Node"
        remedy = f"cd {evidence.spec.cwd} && npm rebuild, with the Node that `command` runs"
        return Cause(CauseCode.RUNTIME_VERSION, message, remedy)
    extension = evidence.output.find(_EXTENSION)
    if extension is not None:
        message = f"Node cannot run {extension[1]} files: {extension[2] or extension[0]}"
        remedy = "run what the build makes (dist/main.js), or write node --import tsx in `command`"
        return Cause(CauseCode.RUNTIME_VERSION, message, remedy)
    return None
