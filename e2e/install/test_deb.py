"""The Debian package: installed, upgraded, removed and purged while an app runs.

It is built in a Debian of the suite, and installed in another that has no more than Python."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.install.built import ROOT, copy_of_tree
from e2e.install.chroot import Chroot
from e2e.install.release_check import only_for_a_release
from reconciler import __version__
from tests.waiting import until

_BUILDER = ("python3", "python3-pip", "python3-venv", "pipx", "ca-certificates")


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def machine(
    request: pytest.FixtureRequest,
    debian: Callable[..., Chroot],
    tmp_path_factory: pytest.TempPathFactory,
) -> Chroot:
    """A fresh Debian with the package in /tmp: recon.deb, and newer.deb, of another version."""
    only_for_a_release("the Debian package")
    builder = debian(request.param, *_BUILDER)
    builder.put(copy_of_tree(tmp_path_factory.mktemp("copy") / "tree"), "/srv/recon")
    builder("/usr/bin/python3", "/srv/recon/packaging/deb/build.py", "--output", "/srv/dist")
    (package,) = (builder.root / "srv/dist").glob("*.deb")
    fresh = debian(request.param, "python3")
    shutil.copy(package, fresh.root / "srv/recon.deb")
    fresh("sh", "-c", _REPACK)
    return fresh


_CONTROLLER = "grep -lz reconciler[.]api /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3"
_REPACK = """
dpkg-deb -R /srv/recon.deb /srv/unpacked
sed -i 's/^Version: .*/&~newer/; s/-1~/-2~/' /srv/unpacked/DEBIAN/control
dpkg-deb --root-owner-group -b /srv/unpacked /srv/newer.deb
rm -r /srv/unpacked
"""


def test_it_comes_stays_and_goes_and_no_app_ends(machine: Chroot) -> None:
    said = machine("dpkg", "--install", "/srv/recon.deb")
    assert "warning" not in said.lower()
    _nothing_was_started(machine)
    _all_is_there(machine)

    machine.as_user("recon init --manifests m -- sleep 100000 && recon apply -m m")
    app = _pid(machine)

    said = machine("dpkg", "--install", "/srv/newer.deb")
    assert "recon doctor" in said
    assert _pid(machine) == app
    machine.as_user("recon status -m m")
    machine.as_user(f"kill $({_CONTROLLER})")
    until(lambda: not machine.as_user(_CONTROLLER), what="the controller has left")
    machine.as_user("recon apply -m m")
    assert _pid(machine) == app

    said = machine("dpkg", "--remove", "recon")
    assert "keeps running" in said and "recon down" in said
    assert _pid(machine) == app
    assert not (machine.root / "usr/lib/recon").exists()
    assert not (machine.root / "usr/bin/recon").is_symlink()

    machine("dpkg", "--install", "/srv/recon.deb")
    own = machine.root / "etc/recon/manifests/own.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("# mine\n")
    said = machine("dpkg", "--purge", "recon")
    assert "/etc/recon was kept" in said
    assert own.exists() and (machine.root / "home/tester/m").is_dir()
    assert _pid(machine) == app

    machine("dpkg", "--install", "/srv/recon.deb")
    machine.as_user("recon down -m m")
    assert not _pid(machine)


def _nothing_was_started(machine: Chroot) -> None:
    assert not machine.as_user(_CONTROLLER)
    enabled = (machine.root / "etc/systemd").rglob("*recon*")
    assert not [*enabled]


def _all_is_there(machine: Chroot) -> None:
    assert machine.as_user("recon --version") == f"recon {__version__}\n"
    machine("bash", "-c", "source /usr/share/bash-completion/completions/recon; complete -p recon")
    for place in ("man/man1/recon.1.gz", "man/man1/recon-apply.1.gz", "doc/recon/copyright"):
        assert (machine.root / "usr/share" / place).exists()
    unit = (machine.root / "lib/systemd/system/recon.service").read_text()
    assert "ExecStart=/usr/bin/recon run --manifests /etc/recon/manifests" in unit
    paths = machine("sh", "-c", "grep -rlI recon-deb- /usr/lib/recon || true")
    assert paths == "", "paths of the machine that built it"


def _pid(machine: Chroot) -> str:
    line = "grep -lzx 10000[0] /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3"
    return machine.as_user(line, code=None).strip()


def test_lintian_finds_no_error(tmp_path: Path) -> None:
    only_for_a_release("the Debian package, by lintian")
    if not shutil.which("lintian") or not shutil.which("dpkg"):
        pytest.skip("SKIPPED: lintian is not installed")
    subprocess.run(
        ["/usr/bin/python3", ROOT / "packaging/deb/build.py", "--output", tmp_path], check=True
    )
    (package,) = tmp_path.glob("*.deb")
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", package],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
