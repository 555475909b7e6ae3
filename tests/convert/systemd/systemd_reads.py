"""How systemd itself reads units: the oracle of these tests. ``systemd --test`` starts nothing."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

SYSTEMD = "/lib/systemd/systemd"
ANALYZE = shutil.which("systemd-analyze")
asks_systemd = pytest.mark.skipif(
    ANALYZE is None or not os.path.exists(SYSTEMD),
    reason="SKIPPED: systemd-analyze is not installed, which checks the units",
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|[0-7]{3}|.)", re.DOTALL)
_FIELD = re.compile(r"\t+(->)?[ ]?[A-Z][A-Za-z ]*:")


class Read:
    """One unit as systemd understood it."""

    def __init__(self, dump: str) -> None:
        self.dump = dump

    def values(self, field: str) -> list[str]:
        """All values of a field of the dump; a value may have several lines."""
        found: list[str] = []
        inside = False
        for line in self.dump.split("\n"):
            name, colon, value = line.lstrip("\t").partition(": ")
            if colon and name == field and line.startswith("\t"):
                found.append(value)
                inside = True
            elif _FIELD.match(line) or not inside:
                inside = False
            else:
                found[-1] += f"\n{line}"
        return found

    def commands(self) -> list[list[str]]:
        """The words of each command, as the program will get them."""
        return [
            [word.replace("$$", "$") for word in _words(line)]
            for line in self.values("Command Line")
        ]


def read(units: Mapping[str, str], name: str) -> Read:
    """What systemd makes of the unit ``name`` of these."""
    with tempfile.TemporaryDirectory() as folder:
        _write(units, Path(folder))
        run = Path(folder, "run")
        run.mkdir()
        user: str | None = None
        if os.geteuid() == 0:  # which it does not do for root
            user = "nobody"
            os.chmod(folder, 0o755)
            os.chown(run, pwd.getpwnam(user).pw_uid, -1)
        done = subprocess.run(
            [SYSTEMD, "--user", "--test", f"--unit={name}"],
            env={
                "XDG_RUNTIME_DIR": str(run),
                "HOME": str(run),
                "SYSTEMD_LOG_TARGET": "console",
                "SYSTEMD_UNIT_PATH": f"{folder}:/usr/lib/systemd/user",
                "PATH": os.environ["PATH"],
            },
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
            user=user,
        )
    blocks = done.stdout.split("-> Unit ")
    found = next((block for block in blocks if block.startswith(f"{name}:")), None)
    assert found is not None, done.stderr + done.stdout[-2000:]
    return Read(found)


def complaints(units: Mapping[str, str]) -> str:
    """What ``systemd-analyze verify`` has to say against these units; empty: nothing."""
    assert ANALYZE is not None
    with tempfile.TemporaryDirectory() as folder:
        _write(units, Path(folder))
        files = sorted(path for path in Path(folder).iterdir() if path.is_file())
        done = subprocess.run(
            [ANALYZE, "verify", "--man=no", *map(str, files)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    told = [line for line in done.stderr.splitlines() if folder in line or done.returncode]
    return "\n".join(told)


def moments(calendar: Sequence[str], after: int, count: int) -> list[int]:
    """The first ``count`` moments after ``after`` at which a timer with these OnCalendar= elapses.

    In seconds since 1970; fewer where there are no more.
    """
    assert ANALYZE is not None
    found: set[int] = set()
    for expression in calendar:
        done = subprocess.run(
            [ANALYZE, "calendar", f"--iterations={count}", f"--base-time=@{after}", expression],
            env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        # EDEADLK: it found none, where all lie in an hour that the clocks leave out.
        assert done.returncode == 0 or "deadlock avoided" in done.stderr, done.stderr
        for text in re.findall(r"(?:elapse|#\d+): \w+ (.*) UTC$", done.stdout, re.M):
            at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
            found.add(int(at.timestamp()))
    return sorted(found)[:count]


def _write(units: Mapping[str, str], folder: Path) -> None:
    for name, text in units.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _words(line: str) -> list[str]:
    return [*_split(line)]


def _split(line: str) -> Iterator[str]:
    """The dump's own quoting: double quotes, C escapes."""
    for match in re.finditer(r'"((?:[^"\\]|\\.)*)"|([^ "]+)', line, re.DOTALL):
        quoted, bare = match.groups()
        yield bare if quoted is None else _unescaped(quoted)


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        escape = match[1]
        if len(escape) == 1:
            return _LETTERS.get(escape, escape)
        return chr(int(escape[1:], 16) if escape[0] == "x" else int(escape, 8))

    return _ESCAPE.sub(one, text)
