"""As root: no file is acted upon that somebody else could have written, by whatever way."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.directory.store import ManifestStore
from reconciler.desired.files import read_regular
from reconciler.system.files.trust import SWITCH, Trust, UntrustedError, trusting
from tests.desired.conftest import Folder, manifest

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root has to be careful, and can give files to others"
)
STRANGER, USER = 54321, 43210
Accept = Callable[[ManifestStore, Path], frozenset[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """root's own, below the sticky /tmp."""
    return tmp_path


def root() -> Trust:
    return Trust(frozenset({0}))


def content(path: Path, trust: Trust | None = None) -> str:
    return read_regular(str(path), 1 << 20, trust or root()).decode()


def refused(path: Path, trust: Trust | None = None) -> str:
    with pytest.raises(UntrustedError) as caught:
        os.close((trust or root()).open(str(path)))
    return str(caught.value.strerror)


def owned(path: Path, uid: int, mode: int | None = None) -> Path:
    os.lchown(path, uid, uid)
    if mode is not None:
        path.chmod(mode)
    return path


def test_roots_own_file_is_read_below_a_sticky_folder_for_all(home: Path) -> None:
    assert Path(tempfile.gettempdir()).stat().st_mode & stat.S_ISVTX
    (home / "a").write_text("fine")
    assert content(home / "a") == "fine"


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o620])
def test_a_file_that_others_can_write_is_refused_with_the_remedy(home: Path, mode: int) -> None:
    file = home / "a"
    file.write_text("x")
    file.chmod(mode)
    who = "everybody" if mode & 2 else "the group root"
    told = f"{file} can be written by {who} (mode {mode:04o}), and recon is root here"
    assert refused(file) == f"{told}; run chmod go-w {file}"
    file.chmod(mode & ~0o022)
    assert content(file) == "x"


def test_a_strangers_file_folder_or_link_is_refused(home: Path) -> None:
    (home / "dir/sub").mkdir(parents=True)
    file = home / "dir/sub/a"
    file.write_text("x")
    link = home / "link"
    link.symlink_to(file)
    assert content(link) == "x"
    for path in (file, file.parent, home / "dir"):
        owned(path, STRANGER)
        assert f"{path} belongs to uid {STRANGER}" in refused(file)
        assert f"{path} belongs to uid {STRANGER}" in refused(link)
        owned(path, 0)
    owned(link, STRANGER)
    assert f"chown -h root {link}" in refused(link)


def test_folders_that_others_can_write_are_refused_wherever_they_are_on_the_way(home: Path) -> None:
    target = home / "real"
    target.mkdir()
    (target / "a").write_text("x")
    (home / "open").mkdir(mode=0o777)
    (home / "open").chmod(0o777)
    (home / "open/hop").symlink_to("../real")
    assert f"chmod go-w {home}/open" in refused(home / "open/hop/a")
    (home / "open").chmod(0o1777)  # nobody else can replace the link now
    assert content(home / "open/hop/a") == "x"
    target.chmod(0o770)
    assert f"chmod go-w {target}" in refused(home / "open/hop/a")


def test_nothing_but_what_open_would_find_is_found(home: Path) -> None:
    (home / "b").mkdir()
    (home / "b/file").write_text("x")
    (home / "loop").symlink_to("loop")
    (home / "up").symlink_to(f"{home}/b/../b/./file")
    assert content(home / "up") == "x"
    assert content(home / "b/.." / "b" / "file") == "x"
    for path, error in ((home / "loop", 40), (home / "no", 2), (home / "b/file/c", 20)):
        with pytest.raises(OSError) as caught:
            root().open(str(path))
        assert caught.value.errno == error


def test_the_apps_user_may_own_its_env_file_and_nothing_of_roots_comes_that_way(
    home: Path,
) -> None:
    trust = root().with_user(str(USER))
    secret = home / "shadow"
    secret.write_text("root's")
    theirs = home / "theirs"
    theirs.mkdir()
    (theirs / "env").write_text("mine")
    (theirs / "link").symlink_to(secret)
    os.link(secret, theirs / "hard")
    assert content(theirs / "link", trust) == "root's"
    for path in (theirs, theirs / "env", theirs / "link"):
        owned(path, USER)
    assert content(theirs / "env", trust) == "mine"
    assert f"belongs to uid {USER}" in refused(theirs / "env"), "a manifest may not be theirs"
    for name in ("link", "hard"):
        assert f"is not uid {USER}'s" in refused(theirs / name, trust)


def test_a_way_that_is_changed_while_it_is_walked_leads_nowhere_else(home: Path) -> None:
    """The user swaps its file for a link to root's, all the time."""
    trust = root().with_user(str(USER))
    secret = home / "shadow"
    secret.write_text("root's")
    theirs = owned_folder(home / "theirs")
    wanted = theirs / "d"
    good, bad = owned_folder(theirs / "good"), theirs / "bad"
    owned_file(good / "shadow", "mine")
    bad.symlink_to(home)
    os.lchown(bad, USER, USER)
    owned_folder(wanted)
    owned_file(wanted / "shadow", "mine")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for name in (bad, good):
                copy = theirs / "next"
                copy.symlink_to(name)
                os.lchown(copy, USER, USER)
                old = theirs / "old"
                os.rename(wanted, old)
                os.rename(copy, wanted)
                if old.is_symlink():
                    old.unlink()
                else:
                    os.rename(old, theirs / "first")

    thread = threading.Thread(target=swap)
    thread.start()
    seen = {"mine": 0, "refused": 0}
    try:
        for _ in range(3000):
            try:
                seen[content(wanted / "shadow", trust)] += 1
            except OSError:
                seen["refused"] += 1
    finally:
        stop.set()
        thread.join()
    assert seen["mine"] and seen["refused"], seen


def owned_folder(path: Path) -> Path:
    path.mkdir()
    return owned(path, USER)


def owned_file(path: Path, text: str) -> Path:
    path.write_text(text)
    return owned(path, USER)


@given(
    modes=st.lists(st.sampled_from([0o755, 0o700, 0o775, 0o1777, 0o757]), min_size=1, max_size=3),
    owners=st.lists(st.sampled_from([0, 0, STRANGER]), min_size=4, max_size=4),
    mode=st.sampled_from([0o644, 0o600, 0o664, 0o646]),
)
def test_a_file_is_read_exactly_when_no_step_is_anothers_to_change(
    modes: list[int], owners: list[int], mode: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        fine = True
        for step, (bits, uid) in enumerate(zip(modes, owners, strict=False)):
            path = path / str(step)
            path.mkdir()
            owned(path, uid, bits)
            fine = fine and uid == 0 and (not bits & 0o022 or bool(bits & stat.S_ISVTX))
        (path / "file").write_text("x")
        owned(path / "file", owners[3], mode)
        fine = fine and owners[3] == 0 and not mode & 0o022
        trust = root()
        for _ in range(2):  # the second time by what it knows of the folder
            try:
                assert content(path / "file", trust) == "x"
                assert fine
            except UntrustedError:
                assert not fine


def test_the_looks_can_be_turned_off(home: Path) -> None:
    file = home / "a"
    file.write_text("x")
    file.chmod(0o666)
    assert content(file, trusting({SWITCH: "no"})) == "x"
    refused(file, trusting({}))


# -- the manifests --------------------------------------------------------------------------------


def test_a_manifest_that_others_can_write_is_a_problem_and_its_last_good_version_stands(
    folder: Folder, accept: Accept
) -> None:
    file = folder.app("web", "  instances: 1\n")
    store = folder.scanned()
    file.chmod(0o666)
    accept(store, file)
    assert store.apps["web"].spec.wanted == 1
    assert f"chmod go-w {file}" in str(store.problems[0])
    folder.app("web", "  instances: 7\n").chmod(0o646)
    accept(store, file)
    assert store.apps["web"].spec.wanted == 1
    file.chmod(0o644)
    accept(store, file)
    assert (store.apps["web"].spec.wanted, store.problems) == (7, ())


def test_what_is_gone_from_a_folder_that_others_can_write_is_not_taken_for_deleted(
    folder: Folder,
) -> None:
    file = folder.app("web", file="sub/web.yaml")
    store = folder.scanned()
    file.parent.chmod(0o777)
    file.unlink()
    for _ in range(3):
        desired = store.scan()
        assert not desired.complete
        assert f"chmod go-w {file.parent}" in str(desired.problems[0])
        assert "web" in desired.apps
    file.parent.chmod(0o755)
    assert store.scan().complete
    assert "web" not in store.apps


def test_env_and_secret_files_are_looked_at_alike(folder: Folder, home: Path) -> None:
    secret = home / "secret"
    secret.write_text("s3cret")
    secret.chmod(0o660)
    folder.write("web.yaml", manifest("web", f"  env: {{A: {{secretFile: {secret}}}}}\n"))
    store = folder.scanned()
    assert f"spec.env.A.secretFile: {secret} can be written by" in str(store.problems[0])
    secret.chmod(0o600)
    store.scan()
    assert store.apps["web"].secrets == {"A": "s3cret"}
    env = home / ".env"
    env.write_text("B=b")
    owned(env, STRANGER)
    folder.write("web.yaml", manifest("web", f"  envFrom: [{env}]\n"))
    store = folder.scanned()
    assert f"spec.envFrom.0: {env} belongs to uid {STRANGER}" in str(store.problems[0])
    owned(env, pwd.getpwnam("nobody").pw_uid)
    folder.write("web.yaml", manifest("web", f"  user: nobody\n  envFrom: [{env}]\n"))
    store = folder.scanned()
    assert (store.problems, store.apps["web"].secrets) == ((), {"B": "b"})
