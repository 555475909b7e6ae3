"""The variables that come from elsewhere: secret files, credentials, dotenv files, the environment.

All of them are secrets: their values are shown nowhere.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from dotenv.parser import parse_stream

from reconciler.desired.files import read_regular
from reconciler.desired.manifest.surroundings import Surroundings, Unresolvable
from reconciler.desired.text.yaml import Path
from reconciler.model.spec.env import RESERVED, Credential, FromEnv, SecretFile, is_variable
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Reason
from reconciler.model.words.sentence import Sentence
from reconciler.system.files.trust import Trust, UntrustedError
from reconciler.system.work.door import UnansweredError

MAX_SECRET = 1 << 20
"""Bytes of a secret's file, as systemd allows a credential (CREDENTIAL_SIZE_MAX)."""

_STAND_IN = b"# on another machine\n"
"""In a review: a dotenv file without a variable, and the text of a secret."""


def known_secrets(spec: ProgramSpec, around: Surroundings) -> dict[str, str | bytes] | None:
    """The secrets; None where the host is elsewhere (`validate --no-host`) and has the files."""
    try:
        return read_secrets(spec, around)
    except Unresolvable:
        if around.check or around.environ_is_own or around.trust.is_review:
            raise
        return None


def read_secrets(spec: ProgramSpec, around: Surroundings) -> dict[str, str | bytes] | None:
    """The values of all variables that are references; None where some are not ours to read."""
    secrets: dict[str, str | bytes] = {}
    trust = around.trust.with_user(spec.user)
    for index, file in enumerate(spec.env_from):
        where: Path = ("envFrom", index)
        found = dict(_dotenv(file.file, file.optional, where, trust))
        _check_filled(around, file.file, bool(found), file.allow_empty, where)
        secrets.update(found)
    readable = True
    for name, value in spec.env.items():
        if isinstance(value, SecretFile):
            where = ("env", name, "secretFile")
            secrets[name] = text = _secret_file(value.secret_file, where, trust)
            is_full = bool(text.strip())
            _check_filled(around, value.secret_file, is_full, value.allow_empty, where)
        elif isinstance(value, Credential):
            where = ("env", name, "credential")
            secrets[name] = content = _content(value.credential, where, trust)
            is_full = bool(content.strip())
            _check_filled(around, value.credential, is_full, value.allow_empty, where)
        elif isinstance(value, FromEnv):
            if around.trust.is_review:
                secrets[name] = f"${{{value.from_env}}}"
                continue
            readable = readable and around.environ_is_own
            if value.from_env in around.environ:
                secrets[name] = around.environ[value.from_env]
            elif around.environ_is_own:
                message = f"{value.from_env} is not in the environment recon was started with"
                raise Unresolvable(("env", name, "fromEnv"), message)
        else:
            secrets.pop(name, None)
    return secrets if readable else None


def secret_text(path: str, trust: Trust) -> str:
    """What a variable gets from a secret's file. OSError, or ValueError where that is no UTF-8."""
    return _less_line_end(read_regular(path, MAX_SECRET, trust).decode())


def _secret_file(path: str, where: Path, trust: Trust) -> str:
    text = _read(path, where, trust)
    if "\0" in text:
        raise Unresolvable(
            where, f"{path} contains a NUL byte, which is not allowed in an environment"
        )
    return _less_line_end(text)


def _less_line_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _check_filled(
    around: Surroundings, path: str, is_full: bool, may_be_empty: bool, where: Path
) -> None:
    """Refuse what was emptied: a rotation that has not ended looks like that."""
    if is_full:
        around.filled.add(path)
    elif path in around.filled and not may_be_empty:
        key = "file" if where[0] == "envFrom" else str(where[-1])
        remedy = f"write it again, or allowEmpty: true beside {key} if that is meant"
        message = f"{path} is empty now and was not before"
        raise Unresolvable(where, message, remedy, reason=Reason.EMPTIED)


def _dotenv(path: str, optional: bool, where: Path, trust: Trust) -> Iterator[tuple[str, str]]:
    if optional and not trust.exists(path):
        return
    for binding in parse_stream(io.StringIO(_read(path, where, trust))):
        if binding.error:
            message = f"{path}:{binding.original.line}: cannot be understood"
            raise Unresolvable(where, message, "write NAME=value")
        if binding.key is not None:
            _check_variable(path, binding.original.line, binding.key, binding.value, where)
            yield binding.key, binding.value or ""


def _check_variable(path: str, line: int, name: str, value: str | None, where: Path) -> None:
    """The rules of `env` hold for what a dotenv file says, too. The value is never told.

    Nor is a name that is none: it may be a line of a key that was pasted without quotes.
    """
    if value is None or not is_variable(name):
        remedy = "text of several lines needs quotes around it"
        raise Unresolvable(where, f"{path}:{line}: is not NAME=value", remedy)
    if "\0" in name or "\0" in (value or ""):
        raise Unresolvable(
            where, f"{path}:{line}: contains a NUL byte, which is not allowed in an environment"
        )
    if name in RESERVED:
        message = f"{path}:{line}: {name} {RESERVED[name]}"
        raise Unresolvable(where, message, "it cannot be set")


def _read(path: str, where: Path, trust: Trust) -> str:
    try:
        return _content(path, where, trust).decode()
    except UnicodeDecodeError:
        raise Unresolvable(where, f"{path}: not UTF-8") from None


def _content(path: str, where: Path, trust: Trust) -> bytes:
    try:
        return read_regular(path, MAX_SECRET, trust)
    except UnansweredError:
        raise
    except OSError as error:
        if trust.may_lack(path):
            return _STAND_IN
        raise Unresolvable(where, *_unread(path, where, error)) from None


def _unread(path: str, where: Path, error: OSError) -> Sentence:
    if isinstance(error, UntrustedError):
        return Sentence(error.message, error.remedy)
    if not isinstance(error, FileNotFoundError):
        return Sentence(f"{path}: {error.strerror}")
    remedy = "create it or correct the path"
    if where[0] == "envFrom":
        remedy = "create it, correct the path, or write {file: FILE, optional: true}"
    return Sentence(f"{path} does not exist", remedy)
