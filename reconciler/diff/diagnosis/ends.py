"""What an end says without a word of output: a signal, a code, or success that was not wanted."""

from __future__ import annotations

import re

from reconciler.diff.diagnosis.cause import Cause, CauseCode, Evidence
from reconciler.model.spec.lifecycle import RestartPolicy
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.observed import LEFT_BEHIND, Exit

AT_ONCE = 10.0
"""Seconds: a service that ends well sooner than this was none."""
_ERROR = re.compile(
    r"^(?:Uncaught )?((?:[A-Za-z_][A-Za-z0-9_.]{0,80})?(?:Error|Exception|Exit|panic)"
    r"(?: \[[A-Z_]{1,40}\])?: .{1,300})"
)
_SIGNALS = {
    "SIGSEGV": (
        "it accessed memory that it does not own",
        "a native module or a C library is the likely cause: update it; set "
        "limits.coreSize for a core dump",
    ),
    "SIGBUS": (
        "it accessed memory that no file or page backs",
        "a mapped file was truncated, or the disk is full",
    ),
    "SIGILL": (
        "it ran an instruction that this processor does not have",
        "build it for this machine",
    ),
    "SIGFPE": (
        "it divided by zero, or had a similar arithmetic error",
        "it is a bug in the program: see its output",
    ),
    "SIGABRT": ("it aborted (abort(3))", "the lines above the end say why: `recon logs`"),
    "SIGSYS": ("it made a system call that a sandbox forbids", "check its seccomp filter"),
    "SIGXFSZ": ("it wrote a file beyond its limit of size", "raise RLIMIT_FSIZE"),
    "SIGXCPU": ("it used more processor time than its limit", "raise RLIMIT_CPU"),
    "SIGTERM": (
        "it was ended from outside recon (kill)",
        "find out who does that: `recon events`, cron, a script",
    ),
    "SIGINT": (
        "it was interrupted from outside recon (Ctrl-C, kill -INT)",
        "find out who does that: `recon events`",
    ),
    "SIGHUP": ("it got a hangup (kill -HUP) that it does not handle", "find out who sends it"),
}
_FOREGROUND = "look for its option: --foreground, --no-daemon, `daemon off`, `exec` in a script"
_ANY_SENDER = "a person, another program, or the kernel out of memory: see dmesg"
_OUT_OF_MEMORY = "raise limits.memoryHard or the memory of the host, or make it use less"


def of_end(evidence: Evidence) -> Cause | None:
    """The cause that the exit alone shows."""
    exit = evidence.exit
    if exit is None:
        return None
    if exit.reason == "OOMKilled":
        return Cause(CauseCode.OUT_OF_MEMORY, exit.detail, _OUT_OF_MEMORY)
    if exit.reason == LEFT_BEHIND:
        return Cause(CauseCode.DAEMON, exit.detail, _FOREGROUND)
    if evidence.spec.is_success(exit):
        return _ended_well(evidence)
    if exit.signal is not None:
        return _of_signal(exit)
    return _of_code(evidence)


def is_no_crash(evidence: Evidence) -> bool:
    """Whether a service simply ran to its end, at once."""
    spec, exit = evidence.spec, evidence.exit
    if exit is None or not spec.is_success(exit) or evidence.fault:
        return False
    if not isinstance(spec, AppSpec) or exit.reason == LEFT_BEHIND:
        return False
    always = spec.restart_policy is RestartPolicy.ALWAYS
    return always and evidence.uptime is not None and evidence.uptime < AT_ONCE


def _ended_well(evidence: Evidence) -> Cause | None:
    if not is_no_crash(evidence):
        return None
    message = f"exits at once with code {evidence.exit.code if evidence.exit else 0}"
    remedy = "a program that runs to its end is a Job: write kind: Job, or restartPolicy: OnFailure"
    return Cause(CauseCode.ENDS_AT_ONCE, message, remedy)


def _of_signal(exit: Exit) -> Cause:
    name = exit.signal_name
    if name == "SIGKILL":
        message = f"killed by signal 9 (SIGKILL) from outside ({exit.detail or _ANY_SENDER})"
        return Cause(CauseCode.SIGNAL, message, "find out who sends the signal")
    message, remedy = _SIGNALS.get(name, ("a signal ended it", "find out who sends it"))
    return Cause(CauseCode.SIGNAL, f"{name}: {message}", remedy)


def _of_code(evidence: Evidence) -> Cause | None:
    assert evidence.exit is not None
    code, program = evidence.exit.code, evidence.spec.command[0]
    error = evidence.output.find(_ERROR)
    if error is not None:
        remedy = "fix the program: its output, below, says where"
        return Cause(CauseCode.ERROR, error[1], remedy)
    if code in (126, 127):
        what = "is not found" if code == 127 else "cannot be executed"
        message = f"exit {code}: a command that {program} runs {what}"
        return Cause(
            CauseCode.COMMAND_MISSING, message, "install it, or add its directory to env.PATH"
        )
    if code == 137:
        message = "exit 137: a child process got SIGKILL, often because memory ran out: see dmesg"
        return Cause(CauseCode.OUT_OF_MEMORY, message, _OUT_OF_MEMORY)
    return None
