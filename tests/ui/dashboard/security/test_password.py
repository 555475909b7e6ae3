"""The password file: salted, closed to others, and nothing else is taken for one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.ui.dashboard.security.password import (
    PasswordError,
    new_password,
    read_password,
    write_password,
)

GOOD = "correct horse battery"


def test_what_was_written_is_read_and_matches_itself_alone(tmp_path: Path) -> None:
    file = tmp_path / "password"
    write_password(file, GOOD)
    assert file.stat().st_mode & 0o777 == 0o600
    assert GOOD not in file.read_text()
    password = read_password(file)
    assert password.matches(GOOD)
    assert not any(map(password.matches, ("", GOOD + " ", GOOD.upper(), "\ud800", "x" * 1024)))


def test_two_files_of_one_password_have_nothing_in_common() -> None:
    one, other = (new_password(GOOD).split("$")[-2:] for _ in range(2))
    assert not {*one} & {*other}


def test_a_short_password_is_refused_and_a_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "password"
    with pytest.raises(PasswordError, match="has 5 characters; use at least 12"):
        write_password(file, "hello")
    assert not file.exists()
    write_password(file, GOOD)
    with pytest.raises(PasswordError, match="already exists"):
        write_password(file, GOOD + "2")
    with pytest.raises(PasswordError, match="No such file"):
        write_password(tmp_path / "no" / "password", GOOD)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620])
def test_a_file_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "password"
    write_password(file, GOOD)
    file.chmod(mode)
    with pytest.raises(PasswordError, match=f"mode {mode:04o}.*chmod 600"):
        read_password(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "password"
    write_password(file, GOOD)
    os.chown(file, 4711, -1)
    with pytest.raises(PasswordError, match="belongs to uid 4711"):
        read_password(file)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"secret",
        b"\xff\xfe",
        b"scrypt$32768$8$1$$",
        b"scrypt$32768$8$1$AAAA$AAAA",
        b"scrypt$1073741824$8$1$" + b"A" * 24 + b"$" + b"A" * 44,  # would take all memory
        b"scrypt$32768$8$99999$" + b"A" * 22 + b"==$" + b"A" * 43 + b"=",
        b"md5$1$1$1$" + b"A" * 24 + b"$" + b"A" * 44,
        b"a$b$c$d$e$f",
    ],
)
def test_what_is_no_hash_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(PasswordError, match=r"does not hold the hash.*--write-password"):
        read_password(file)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    for path in (fifo, tmp_path):
        with pytest.raises(PasswordError, match="is not a regular file"):
            read_password(path)
    with pytest.raises(PasswordError, match="No such file"):
        read_password(tmp_path / "none")
