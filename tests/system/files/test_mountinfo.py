"""What the kernel tells of mounts is read as it is written there."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.system.files.mountinfo import PATH, apart, holding, mounts

LINE = b"36 35 98:0 /part %s rw,noatime shared:1 master:2 - ext4 /dev/root rw,errors=continue\n"


def test_a_line_with_optional_fields_is_understood() -> None:
    (mount,) = mounts(LINE % b"/mnt")
    assert (mount.number, mount.root, mount.point, mount.kind) == (36, "/part", "/mnt", "ext4")
    assert mount.options == ("rw", "noatime")
    assert mount.super_options == ("rw", "errors=continue")


def test_awkward_names_of_mount_points_are_understood() -> None:
    for written, point in (
        (rb"/srv/a\040b\011c\134d\012", b"/srv/a b\tc\\d\n"),
        (b"/srv/\xff", b"/srv/\xff"),
        ("/srv/é".encode(), "/srv/é".encode()),
    ):
        (mount,) = mounts(LINE % written)
        assert os.fsencode(mount.point) == point


def test_what_is_cut_off_in_the_middle_is_left_out() -> None:
    whole = LINE % b"/a"
    for cut in (whole[:-20], whole[:30], whole[:3]):
        assert [mount.point for mount in mounts(whole + cut)] == ["/a"]


def test_the_deepest_mount_holds_a_path_and_of_several_the_one_on_top() -> None:
    text = LINE % b"/" + LINE % b"/srv" + (LINE % b"/srv").replace(b"ext4", b"nfs4")
    found = holding("/srv/app", text)
    assert found is not None and (found.point, found.kind) == ("/srv", "nfs4")
    found = holding("/srvx", text)
    assert found is not None and found.point == "/"
    assert holding("/srv", b"") is None


def test_the_mounts_of_this_host_are_read() -> None:
    assert {"/", "/proc"} <= {mount.point for mount in mounts(Path(PATH).read_bytes())}


def test_a_path_is_followed_to_a_mount_that_may_not_answer_and_no_further(tmp_path: Path) -> None:
    far, near = tmp_path / "far", tmp_path / "near"
    near.mkdir()  # ``far`` is not there: nothing asks for it
    line = b"36 35 0:5 / %s rw - nfs4 server:/logs rw\n"
    text = (LINE % b"/") + (LINE % os.fsencode(near)) + (line % os.fsencode(far))
    every = [*mounts(text)]
    (tmp_path / "link").symlink_to(far / "deeper")
    (near / "up").symlink_to("../far")
    (tmp_path / "round").symlink_to("round")
    for leads in (
        "far",
        "far/a/b",
        "link",
        "link/a",
        "near/up/a",
        "near/../far",
        "./far",
        "far/..",
    ):
        found = apart(f"{tmp_path}/{leads}", every)
        assert found is not None and found.point == str(far), leads
    for stays in ("", "near", "near/a/b", "round/a", "farther"):
        assert apart(f"{tmp_path}/{stays}", every) is None, stays


def test_what_the_kernel_makes_up_answers_and_so_does_memory_below_it() -> None:
    lines = (
        b"1 0 0:1 / / rw - ext4 /dev/root rw",
        b"2 1 0:2 / /dev rw - devtmpfs devtmpfs rw",
        b"3 2 0:3 / /dev/shm rw - tmpfs tmpfs rw",
        b"4 1 0:4 / /srv rw - nfs4 server:/ rw",
    )
    every = [*mounts(b"\n".join(lines))]
    assert apart("/dev/shm/recon-0/logs", every) is None
    assert apart("/srv/logs", every) == every[3]
