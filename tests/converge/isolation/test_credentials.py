"""Credentials: an instance's own files, which go with it and which nobody else can read."""

from __future__ import annotations

import os
import pwd
import secrets
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.converge.isolation import credentials
from reconciler.converge.isolation.credentials import Credentials, directory
from reconciler.model.state.observed import Tag
from tests.converge.conftest import MakeApp, SpawnApp, ended
from tests.waiting import until

CONTENT = {"TOKEN": b"\0binary\xff", "PASSWORD": b"s3cret\n"}


@pytest.fixture
def tag() -> Iterator[Tag]:
    """Of a store of its own; what was made for it in the places of the host is removed."""
    made = Tag(secrets.token_hex(4), "app", 0, "hash", secrets.token_hex(6))
    yield made
    for place in credentials._places(made.store):
        if place.is_dir():
            for folder in place.iterdir():
                credentials._remove(folder)


def held(tag: Tag) -> Path:
    return Path(directory(tag))


def test_only_its_owner_can_read_and_nobody_write(tag: Tag, tmp_path: Path) -> None:
    Credentials(tmp_path, tag.store).create(tag.nonce, CONTENT, None)
    assert {file.name: file.read_bytes() for file in held(tag).iterdir()} == CONTENT
    assert stat.S_IMODE(held(tag).stat().st_mode) == 0o500
    assert {stat.S_IMODE(file.stat().st_mode) for file in held(tag).iterdir()} == {0o400}
    assert stat.S_IMODE(held(tag).parent.stat().st_mode) == 0o711, "passed through, not listed"


def test_whatever_our_umask_is(tag: Tag, tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        Credentials(tmp_path, tag.store).create(tag.nonce, CONTENT, None)
    finally:
        os.umask(before)
    assert stat.S_IMODE(held(tag).stat().st_mode) == 0o500


def test_the_program_finds_them_by_the_directory_and_by_its_variable(
    tag: Tag, make_app: MakeApp, spawn_app: SpawnApp, tmp_path: Path
) -> None:
    app = make_app(["sh", "-c", 'cmp "$TOKEN" "$CREDENTIALS_DIRECTORY/TOKEN" && cat "$PASSWORD"'])
    app = replace(app, secrets=CONTENT)
    Credentials(tmp_path, tag.store).create(tag.nonce, CONTENT, None)
    with (tmp_path / "out").open("w+b") as out:
        spawned = spawn_app(app, tag=tag, out=out.fileno())
        until(lambda: ended(spawned.pidfd))
    assert (tmp_path / "out").read_bytes() == b"s3cret\n"
    assert b"s3cret" not in b"".join(
        f"{name}={value}\n".encode() for name, value in app.environment(0).items()
    )


def test_they_are_the_apps_users_and_no_other_users(tag: Tag, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may become other users")
    nobody, daemon = pwd.getpwnam("nobody"), pwd.getpwnam("daemon")
    Credentials(tmp_path, tag.store).create(tag.nonce, CONTENT, (nobody.pw_uid, nobody.pw_gid))

    def read(user: str) -> int:
        command = ["cat", str(held(tag) / "PASSWORD")]
        done = subprocess.run(command, user=user, capture_output=True, check=False)
        assert done.stdout in (b"", CONTENT["PASSWORD"])
        return done.returncode

    assert held(tag).stat().st_uid == nobody.pw_uid
    assert read("nobody") == 0
    assert read("daemon") != 0, f"{daemon.pw_name} is somebody else"


def test_they_go_with_the_instance_whatever_it_made_of_them(tag: Tag, tmp_path: Path) -> None:
    """The directory is the app's user's: it may change its mode, and put links in."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    mine = Credentials(tmp_path / "state", tag.store)
    mine.create(tag.nonce, CONTENT, None)
    folder = held(tag)
    folder.chmod(0o700)
    (folder / "link").symlink_to(kept)
    (folder / "deep").mkdir()
    (folder / "deep/file").write_text("y")
    folder.chmod(0o100)
    mine.remove(tag.nonce)
    assert not folder.exists() and (kept / "file").read_text() == "x"
    mine.remove(tag.nonce)  # once more is no error


def test_the_next_controller_keeps_those_of_what_runs_and_no_others(
    tag: Tag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tag._replace(nonce=secrets.token_hex(6))
    first = Credentials(tmp_path, tag.store)
    for one in (tag, gone):
        first.create(one.nonce, CONTENT, None)
    before, left = held(tag), held(gone)
    monkeypatch.delitem(credentials._bases, tag.store)  # another process knows nothing of it
    Credentials(tmp_path, tag.store).sweep({tag.nonce})
    assert before.is_dir() and not left.exists()
    assert held(tag) == before


def test_without_a_place_in_memory_they_lie_in_the_state_directory(
    tag: Tag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr(credentials, "_places", lambda store: [file / "credentials" / store])
    Credentials(tmp_path / "state", tag.store).create(tag.nonce, CONTENT, None)
    assert held(tag) == tmp_path / "state/credentials" / tag.nonce
    assert (held(tag) / "TOKEN").read_bytes() == CONTENT["TOKEN"]
    credentials._bases.pop(tag.store)


def test_a_place_that_others_can_write_to_is_not_used(
    tag: Tag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "credentials"
    place.mkdir()
    place.chmod(0o777)
    monkeypatch.setattr(credentials, "_places", lambda store: [place])
    Credentials(tmp_path / "state", tag.store).create(tag.nonce, CONTENT, None)
    assert held(tag).parent == tmp_path / "state/credentials"
    credentials._bases.pop(tag.store)
