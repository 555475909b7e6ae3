"""From the evidence of one end to its cause."""

from __future__ import annotations

from dataclasses import replace

from reconciler.diff.diagnosis import ends, files, network, node, python
from reconciler.diff.diagnosis.cause import Cause, CauseCode, Evidence
from reconciler.diff.diagnosis.unready import free_the_port
from reconciler.model.words.sentence import Sentence

_RECOGNISERS = (
    files.line_ends,
    node.recognise,
    network.recognise,
    python.recognise,
    files.recognise,
)


def diagnose(evidence: Evidence) -> Cause | None:
    """The likely cause of the exit; None where there is nothing to explain."""
    if evidence.shell_advice and not _ran(evidence):
        fault = "the command uses shell syntax, and recon runs no shell"
        return Cause(CauseCode.SHELL_SYNTAX, fault, evidence.shell_advice)
    if evidence.fault:
        message, remedy = Sentence.of(evidence.fault, evidence.remedy)
        return Cause(CauseCode.NOT_STARTED, message, remedy or "correct the manifest")
    if evidence.exit is None:
        return None
    if not evidence.spec.is_success(evidence.exit) and not evidence.exit.reason:
        for recognise in _RECOGNISERS:
            cause = recognise(evidence)
            if cause is not None:
                return cause
    return ends.of_end(evidence) or _unknown(evidence)


def with_holder(cause: Cause, holder: str, *, same_app: bool = False) -> Cause:
    """The cause of a port in use with the process that holds it, a phrase: ``pid 812 (nginx)``."""
    message = f"port {cause.port} is held by {holder}, so the program cannot listen on it"
    return replace(cause, message=message, remedy=free_the_port(same_app=same_app))


def perhaps_of_the_port(cause: Cause, port: int, holder: str) -> Cause:
    """The same, with the process that holds the probed port: used without another cause."""
    if cause.code not in (CauseCode.UNKNOWN, CauseCode.ERROR):
        return cause
    message = f"{cause.message}; port {port}, at which it is asked, is held by {holder}"
    return replace(
        cause, message=message, remedy=f"{free_the_port(same_app=False)}; {cause.remedy}"
    )


def _ran(evidence: Evidence) -> bool:
    """Whether it ran for long, so that the words of its command are not to blame."""
    return evidence.uptime is not None and evidence.uptime >= ends.AT_ONCE


def _unknown(evidence: Evidence) -> Cause | None:
    if evidence.exit is None or evidence.spec.is_success(evidence.exit):
        return None
    message = f"it ended with {evidence.exit}"
    if evidence.output.lines:
        return Cause(CauseCode.UNKNOWN, message, "its last output, below, says why")
    return Cause(
        CauseCode.UNKNOWN, f"{message}, and wrote nothing", "run its command by hand in its `cwd`"
    )
