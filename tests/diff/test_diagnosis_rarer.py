"""Causes that are met less often, each with what to do."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.diff.diagnosis import Cause, CauseCode, Evidence, Output, diagnose
from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.observed import Exit

CRASH = Exit(1)
SOCKETS = [{"name": "http", "port": 8000}]


def found(
    text: str = "", exit: Exit | None = CRASH, spec: dict[str, Any] | None = None, **evidence: Any
) -> Cause | None:
    made = AppSpec.model_validate({"command": ["node", "x.js"], "cwd": "/srv", **(spec or {})})
    output = Output.of(text.split("\n") if text else [])
    return diagnose(Evidence(made, exit, uptime=0.2, output=output, **evidence))


@pytest.mark.parametrize(
    ("text", "spec", "code", "message", "remedy"),
    [
        (
            "Error: Cannot find module 'node:sqlite'",
            {},
            CauseCode.RUNTIME_VERSION,
            "no built-in module node:sqlite",
            "a newer Node",
        ),
        (
            "Error: The module '/srv/a.node'\nwas compiled against a different Node.js version",
            {},
            CauseCode.RUNTIME_VERSION,
            "compiled for another version of Node",
            "cd /srv && npm rebuild",
        ),
        (
            "file:///srv/x.mjs:1\nSyntaxError: './y.mjs' does not provide an export named 'z'",
            {},
            CauseCode.SYNTAX_ERROR,
            "/srv/x.mjs:1: SyntaxError",
            "correct the name in the import",
        ),
        (
            "[Errno 98] address already in use ('127.0.0.1', 8000)",
            {"command": ["./own-server"], "sockets": SOCKETS},
            CauseCode.PORT_IN_USE,
            "declared under `sockets`",
            "serve the descriptor from LISTEN_FDS",
        ),
        (
            "Error: listen EACCES: permission denied 0.0.0.0:80",
            {},
            CauseCode.PORT_FORBIDDEN,
            "may not listen on port 80",
            "sockets: [{name: http, port: 80}]",
        ),
        (
            "bind: permission denied",
            {"command": ["./web", "--listen=:443"]},
            CauseCode.PORT_FORBIDDEN,
            "may not listen on port 443",
            "choose a higher port",
        ),
        (
            'ERROR: Error loading ASGI app. Attribute "nope" not found in module "site".',
            {"command": ["uvicorn", "site:nope"]},
            CauseCode.MODULE_MISSING,
            "site has no nope",
            "correct MODULE:NAME",
        ),
    ],
)
def test_what_a_program_says_on_its_way_out(
    text: str, spec: dict[str, Any], code: CauseCode, message: str, remedy: str
) -> None:
    cause = found(text, spec=spec)
    assert cause is not None
    assert cause.code is code
    assert message in cause.message
    assert remedy in cause.remedy


def test_a_program_that_could_not_be_started_has_the_cause_and_the_remedy_of_the_fault() -> None:
    cause = found(exit=None, fault="cwd: /srv is missing; create it", remedy="create it")
    assert cause == Cause(CauseCode.NOT_STARTED, "cwd: /srv is missing", "create it")
    cause = found(exit=None, fault="cwd: /srv is missing")
    assert cause is not None and cause.remedy == "correct the manifest"


def test_of_a_fault_that_0_1_0_wrote_nothing_is_cut_off() -> None:
    cause = found(exit=None, fault="cwd: /srv is missing; create it")
    assert cause is not None and cause.message == "cwd: /srv is missing; create it"


def test_words_of_a_shell_are_to_blame_for_what_ends_at_once() -> None:
    cause = found("usage: node", shell_advice="write sh -c")
    assert cause == Cause(CauseCode.SHELL_SYNTAX, cause.message if cause else "", "write sh -c")


def test_of_a_process_that_recon_ended_there_is_nothing_to_tell() -> None:
    assert found(exit=None) is None


def test_a_job_that_ran_to_its_end_is_no_failure() -> None:
    job = JobSpec.model_validate({"command": ["node", "x.js"]})
    assert diagnose(Evidence(job, Exit(0), uptime=0.2)) is None


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("something else", "it ended with exit 3", "its last output, below, says why"),
        ("", "it ended with exit 3, and wrote nothing", "run its command by hand"),
    ],
)
def test_an_unknown_end_says_what_is_known_of_it(text: str, message: str, remedy: str) -> None:
    cause = found(text, Exit(3))
    assert cause is not None and cause.code is CauseCode.UNKNOWN
    assert (cause.message, remedy in cause.remedy) == (message, True)
