"""What Python says when a program cannot run."""

from __future__ import annotations

import posixpath
import re

from reconciler.diff.diagnosis.cause import Cause, CauseCode, Evidence

_MODULE = re.compile(r"No module named '?([A-Za-z0-9_.]{1,200})'?")
_NO_MAIN = re.compile(r"No module named (?:[A-Za-z0-9_.]{1,100})\.__main__")
_ASGI = re.compile(r'Could not import module "([^"]{1,200})"')
_ATTRIBUTE = re.compile(r'Attribute "([^"]{1,100})" not found in module "([^"]{1,100})"')
_SYNTAX = re.compile(r"^(?:[A-Za-z.]{0,60})?((?:Syntax|Indentation|Tab)Error): (.{1,200})")
_PLACE = re.compile(r'^\s{0,20}File "([^"]{1,300})", line (\d{1,7})')
_SCRIPT = re.compile(r"can't open file '([^']{1,300})'")
_KEY = re.compile(r"^KeyError: '([A-Z][A-Z0-9_]{1,80})'")
_MEMORY = re.compile(r"^(?:MemoryError\b|[a-z.]{0,60}_ArrayMemoryError)")
_LEFT_OUT = {
    "yaml": "PyYAML",
    "dotenv": "python-dotenv",
    "PIL": "Pillow",
    "cv2": "opencv-python",
    "bs4": "beautifulsoup4",
    "sklearn": "scikit-learn",
    "psycopg2": "psycopg2-binary",
    "jwt": "PyJWT",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
}
"""Packages of another name than their module."""


def recognise(evidence: Evidence) -> Cause | None:
    """The cause, if Python's output shows one."""
    return (
        _memory(evidence)
        or _script(evidence)
        or _syntax(evidence)
        or _module(evidence)
        or _variable(evidence)
    )


def _memory(evidence: Evidence) -> Cause | None:
    if evidence.output.find(_MEMORY) is None:
        return None
    message = "Python could not get more memory: MemoryError"
    remedy = (
        "give the host, or its limits, more memory; if it keeps growing (`recon top`), it leaks"
    )
    return Cause(CauseCode.OUT_OF_MEMORY, message, remedy)


def _script(evidence: Evidence) -> Cause | None:
    found = evidence.output.find(_SCRIPT)
    if found is None:
        return None
    message = f"there is no file {found[1]}, which `command` names"
    remedy = f"correct `command` or `cwd` ({evidence.spec.cwd})"
    return Cause(CauseCode.FILE_MISSING, message, remedy)


def _syntax(evidence: Evidence) -> Cause | None:
    found = evidence.output.find(_SYNTAX)
    if found is None:
        return None
    place = evidence.output.find(_PLACE)
    at = f"{place[1]}:{place[2]}: " if place else ""
    if place is None:  # one of Node's: it has no such line
        return None
    message = f"{at}{found[1]}: {found[2]}"
    return Cause(CauseCode.SYNTAX_ERROR, message, "correct that line, or name the Python it is for")


def _module(evidence: Evidence) -> Cause | None:
    attribute = evidence.output.find(_ATTRIBUTE)
    if attribute is not None:
        message = f"{attribute[2]} has no {attribute[1]}"
        remedy = "correct MODULE:NAME in `command`"
        return Cause(CauseCode.MODULE_MISSING, message, remedy)
    local = evidence.output.find(_ASGI)
    if local is not None:
        message = f"there is no module {local[1]} in {evidence.spec.cwd}"
        remedy = "correct MODULE:NAME in `command`, or `cwd`"
        return Cause(CauseCode.MODULE_MISSING, message, remedy)
    found = evidence.output.find(_MODULE)
    if found is None:
        return None
    module = found[1].partition(".")[0]
    message = f"the Python module {found[1]} is not installed: No module named '{found[1]}'"
    return Cause(CauseCode.MODULE_MISSING, message, _how_to_install(evidence, module))


def _how_to_install(evidence: Evidence, module: str) -> str:
    """With the very Python that the app runs."""
    facts, cwd, program = evidence.facts, evidence.spec.cwd, evidence.spec.command[0]
    package = _LEFT_OUT.get(module, module)
    what = f"-r {facts.requirements}" if facts.requirements else package
    folder = posixpath.dirname(program)
    if folder and posixpath.basename(folder) == "bin":
        return f"cd {cwd} && {folder}/python -m pip install {what}"
    if facts.python:
        return f"write {facts.python} in `command`; {facts.python} -m pip install {what} if needed"
    make = f"cd {cwd} && python3 -m venv .venv && .venv/bin/pip install {what}"
    return f"{make}; then .venv/bin/python in `command`"


def _variable(evidence: Evidence) -> Cause | None:
    found = evidence.output.find(_KEY)
    if found is None or not evidence.output.has("environ"):
        return None
    message = f"the environment variable {found[1]} is not set: KeyError"
    return Cause(
        CauseCode.VARIABLE_MISSING, message, f"env: {{{found[1]}: …}}, or a file in `envFrom`"
    )
