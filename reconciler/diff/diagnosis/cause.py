"""A cause: a code for machines, a sentence and what to do; and the evidence it is drawn from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.diff.diagnosis.output import Output
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.observed import Exit


class CauseCode(StrEnum):
    """The usual first failures. A contract: `status -o json` shows it as ``causes[].code``."""

    NOT_STARTED = "NotStarted"
    SHELL_SYNTAX = "ShellSyntax"
    ENDS_AT_ONCE = "EndsAtOnce"
    DAEMON = "RunsInBackground"
    SYNTAX_ERROR = "SyntaxError"
    MODULE_MISSING = "ModuleMissing"
    LIBRARY_MISSING = "LibraryMissing"
    COMMAND_MISSING = "CommandMissing"
    FILE_MISSING = "FileMissing"
    FILE_FORBIDDEN = "FileForbidden"
    LINE_ENDS = "WindowsLineEnds"
    VARIABLE_MISSING = "VariableMissing"
    PORT_IN_USE = "PortInUse"
    PORT_FORBIDDEN = "PortForbidden"
    REFUSED = "ConnectionRefused"
    HOST_UNKNOWN = "HostUnknown"
    LOGIN_REFUSED = "LoginRefused"
    RUNTIME_VERSION = "RuntimeVersion"
    OUT_OF_MEMORY = "OutOfMemory"
    DISK_FULL = "DiskFull"
    SIGNAL = "Signal"
    PROBE_FAILED = "ProbeFailed"
    WRONG_PORT = "ProbeOnWrongPort"
    ANOTHER_ANSWERS = "AnsweredByAnother"
    NOT_LISTENING = "NotListening"
    ERROR = "ProgramError"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why, and what to do: two sentences without a full stop."""

    code: CauseCode
    message: str
    remedy: str
    port: int | None = None
    """The port that it is about: who holds it is looked up and added (``with_holder``)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was looked up around the program."""

    install: str = "npm install"
    """How its Node packages are installed, with the directory: ``cd /srv && npm ci``."""
    python: str = ""
    """The Python of the virtual environment that is there; empty where there is none."""
    requirements: str = ""
    """The file that names its Python packages, relative to cwd; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One process that ended, or could not be started."""

    spec: ProgramSpec
    exit: Exit | None = None
    """None: it could not be started, or was ended by recon."""
    fault: str = ""
    """Why it could not be started, or had to be ended, a sentence."""
    uptime: float | None = None
    output: Output = field(default_factory=Output)
    facts: Facts = field(default_factory=Facts)
    remedy: str = ""
    """What to do about the fault, which ends with it."""
    shell_advice: str = ""
    """What to write where the command has shell syntax."""
