"""Log files: where they are, and how one that has grown is put aside.

A log is opened for each chunk anew, by its path. So thousands of idle ones cost nothing, and a
file or directory that somebody moved or removed is simply made again. Files are changed only
between whole chunks, hence between whole lines.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.converge import safefile
from reconciler.converge.safefile import Owner
from reconciler.model.fifo import Stream

_FORMAT = "%Y%m%d-%H%M%S-%f"


def log_path(state_dir: Path, app: str, instance: int, stream: Stream) -> Path:
    """``<state>/logs/<app>/<instance>.out.log`` (or ``.err.log``)."""
    return state_dir / "logs" / app / f"{instance}.{stream}.log"


def open_log(path: Path, owner: Owner | None = None) -> int:
    """A descriptor to append to the log with; the file and its folders are made as needed.

    They belong to ``owner``. OSError, also where the file is not what a log is (``safefile``).
    """
    return safefile.append(path, owner)


def stamp(now: float) -> str:
    """The time as written before a line: ``2026-11-24T03:15:30.123Z `` (UTC)."""
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%S}.{int(now * 1000) % 1000:03}Z "


def rotate(path: Path, keep: int, now: float) -> None:
    """Put the log aside as ``<name>.<UTC time>`` and remove all but the ``keep`` newest.

    ``now`` is wall time in seconds. Names stay in the order of the rotations, even where the
    clock was set back.
    """
    with safefile.held(path.parent) as folder:
        _rotate(folder / path.name, keep, now)


def _rotate(path: Path, keep: int, now: float) -> None:
    when = datetime.fromtimestamp(now, UTC)
    earlier = rotated(path)
    while earlier and when.strftime(_FORMAT) <= (newest := _time_of(path, earlier[-1])):
        when = datetime.strptime(newest, _FORMAT).replace(tzinfo=UTC) + timedelta(microseconds=1)
    path.rename(f"{path}.{when.strftime(_FORMAT)}")
    prune(path, keep)


def rotated(path: Path) -> list[Path]:
    """The files put aside from the log at ``path``, oldest first, compressed or not."""
    found = [file for file in path.parent.glob(f"{path.name}.*") if _time_of(path, file)]
    return sorted(found, key=lambda file: _time_of(path, file))


def prune(path: Path, keep: int) -> None:
    """Remove all but the ``keep`` newest of the files put aside."""
    files = rotated(path)
    times = sorted({_time_of(path, file) for file in files}, reverse=True)[:keep]
    for file in files:
        if _time_of(path, file) not in times:
            file.unlink(missing_ok=True)


def _time_of(path: Path, file: Path) -> str:
    """When ``file`` was put aside, as in its name; empty where it is something else."""
    text = file.name.removeprefix(path.name + ".").removesuffix(".gz")
    try:
        datetime.strptime(text, _FORMAT)
    except ValueError:
        return ""
    return text
