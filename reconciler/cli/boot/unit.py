"""Boot units: their paths, whether recon wrote them, and how recon writes and removes them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from reconciler.cli.boot.boot import MARK
from reconciler.cli.framework.errors import CliError
from reconciler.cli.framework.options import Where

SYSTEM = Path("/etc/systemd/system")
PACKAGED = Path("/lib/systemd/system")
"""Units of the Debian package, which are there before an administrator enables them."""
INIT_SCRIPTS = Path("/etc/init.d")


def user_units() -> Path:
    """The directory of the user's own units (systemd.unit(5))."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(home) / "systemd/user"


def service_of(place: Where) -> list[str] | None:
    """The `systemctl …` words for the unit that starts recon for this state directory.

    `recon startup` made it, or it is the Debian package's and enabled. None where there is none,
    or where it is not ours to start.
    """
    if not os.path.isdir("/run/systemd/system"):
        return None
    folders = [(user_units(), ["systemctl", "--user"])]
    if os.geteuid() == 0:
        folders.insert(0, (SYSTEM, ["systemctl"]))
        if (SYSTEM / "multi-user.target.wants/recon.service").is_symlink():
            folders.insert(1, (PACKAGED, ["systemctl"]))
    for folder, words in folders:
        lines = _read(folder / "recon.service").splitlines()
        if f"StateDir={str(place.paths.root).replace('%', '%%')}" in lines:
            return words
    return None


def write(path: Path, text: str, mode: int = 0o644, mark: str = MARK) -> bool:
    """Write a boot file atomically; False where it is there already with the same text.

    CliError where another program's file has that name, or it cannot be written. ``mark`` is what
    one of the first lines of a file of ours says.
    """
    before = _read(path)
    if before == text:
        return False
    if path.exists() and not _is_own(before, mark):
        raise CliError(f"{path} exists, and recon did not write it; move it away first")
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise CliError(f"{path} cannot be written: {error.strerror}") from None
    return True


def remove(path: Path) -> bool:
    """Remove a file that recon wrote; False where there is none. CliError where another program
    wrote it."""
    if not path.exists():
        return False
    if not _is_own(_read(path), MARK):
        raise CliError(f"{path} was not written by `recon startup`; it was not removed")
    try:
        path.unlink()
    except OSError as error:
        raise CliError(f"{path} cannot be removed: {error.strerror}") from None
    return True


def run(words: list[str]) -> None:
    """Run a command of the init system. CliError with what it had to say where it fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CliError(f"{words[0]}: {error.strerror}") from None
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise CliError(f"{' '.join(words)} failed: {reason}")


def _is_own(text: str, mark: str) -> bool:
    return any(mark in line for line in text.splitlines()[:3])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
