"""The password file: one line with a salted scrypt hash (RFC 7914), closed to other users."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import NamedTuple

_N, _R, _P = 2**15, 8, 1
"""32 MiB and some 0.1 s for each try (OWASP: Password Storage Cheat Sheet)."""
_MOST_MEMORY = 2**26
_LEAST = 12
"""Characters of a new password."""
_LONGEST_FILE = 4096
_REMEDY = "write it with `recon dashboard --write-password FILE`"


class PasswordError(Exception):
    """The password, or its file, is of no use: a sentence."""


class Password(NamedTuple):
    """What is known of a password."""

    n: int
    r: int
    p: int
    salt: bytes
    hash: bytes

    def matches(self, given: str) -> bool:
        """Whether that is the password; takes 0.1 s of a processor."""
        return hmac.compare_digest(_hashed(given, self.n, self.r, self.p, self.salt), self.hash)


def new_password(text: str) -> str:
    """The line for the file. PasswordError where the password is too short."""
    if len(text) < _LEAST:
        raise PasswordError(f"the password has {len(text)} characters; use at least {_LEAST}")
    salt = secrets.token_bytes(16)
    parts = (salt, _hashed(text, _N, _R, _P, salt))
    return f"scrypt${_N}${_R}${_P}$" + "$".join(base64.b64encode(p).decode() for p in parts) + "\n"


def write_password(file: Path, text: str) -> None:
    """Write the file, mode 0600; PasswordError where it exists or cannot be written."""
    line = new_password(text)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise PasswordError(f"{file} already exists; remove it first") from None
    except OSError as error:
        raise PasswordError(f"{file}: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as opened:
        opened.write(line)


def read_password(file: Path) -> Password:
    """The password of a file. PasswordError where others can read it, or where it is none."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise PasswordError(f"{file}: {error.strerror}; {_REMEDY}") from None
    try:
        return _parsed(file, _content(file, descriptor))
    finally:
        os.close(descriptor)


def _content(file: Path, descriptor: int) -> bytes:
    """The content, if the file is one that no other user can read."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise PasswordError(f"{file} is not a regular file; {_REMEDY}")
    if status.st_uid not in (0, os.geteuid()):
        raise PasswordError(f"{file} belongs to uid {status.st_uid}; use a file of your own")
    if status.st_mode & 0o077:
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        raise PasswordError(f"other users can read {file} (mode {mode}); chmod 600 {file}")
    return os.read(descriptor, _LONGEST_FILE)


def _parsed(file: Path, content: bytes) -> Password:
    try:
        name, n, r, p, salt, found = content.decode("ascii").strip().split("$")
        numbers = int(n), int(r), int(p)
        is_known = name == "scrypt" and 128 * numbers[0] * numbers[1] < _MOST_MEMORY
        raw = base64.b64decode(salt, validate=True), base64.b64decode(found, validate=True)
    except ValueError:
        is_known = False
    if not is_known or len(raw[0]) < 16 or len(raw[1]) != 32 or numbers[2] > 8:
        raise PasswordError(f"{file} does not hold the hash of a password; {_REMEDY}")
    return Password(*numbers, *raw)


def _hashed(text: str, n: int, r: int, p: int, salt: bytes) -> bytes:
    secret = text.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=_MOST_MEMORY, dklen=32)
