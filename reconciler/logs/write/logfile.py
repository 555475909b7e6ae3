"""Log files: where they are, and how one that has grown is rotated.

A log is opened again for each chunk, by its path. So thousands of idle ones cost nothing, and a
file or directory that was moved or removed is simply made again. Files are changed only
between whole chunks, so between whole lines.
"""

from __future__ import annotations

import os
from collections.abc import Container
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.model.host.fifo import STREAMS, Stream
from reconciler.model.spec.logs import Logs, Rotate
from reconciler.model.words import logname
from reconciler.model.words.logname import TIME
from reconciler.system.files import safe_files
from reconciler.system.files.safe_files import Owner

_DAY = 86400


def log_path(state_dir: Path, app: str, instance: int, stream: Stream) -> Path:
    """``<state>/logs/<app>/<instance>.out.log`` (or ``.err.log``)."""
    return state_dir / "logs" / app / f"{instance}.{stream}.log"


def path_of(state_dir: Path, logs: Logs, app: str, instance: int, stream: Stream) -> Path:
    """Where one stream of one instance is written."""
    declared = logs.place(stream)
    if declared is not None:
        return Path(logname.place_for(declared, instance))
    return log_path(state_dir, app, instance, "out" if logs.merge else stream)


def places(state_dir: Path, logs: Logs, app: str) -> set[str]:
    """Where all instances of an app write (``logname``)."""
    own = f"{state_dir}/logs/{app}/{logname.INSTANCE}"
    return {
        logs.place(stream) or f"{own}.{'out' if logs.merge else stream}.log" for stream in STREAMS
    }


def open_log(path: Path, owner: Owner | None = None) -> int:
    """A descriptor to append to the log with; the file and its folders are made as needed.

    They belong to ``owner``. OSError, also where the file is not what a log is (``safe_files``).
    """
    return safe_files.append(path, owner)


def current(place: str) -> list[Path]:
    """The logs at a place that are written now, or were last: those that are not rotated."""
    folder = os.path.dirname(place)
    if logname.INSTANCE not in place:
        return [Path(place)] if os.path.lexists(place) else []
    found = ((name, logname.parse(place, name)) for name in _names(folder))
    return [Path(folder, name) for name, parsed in found if parsed is not None and not parsed.when]


def remove_others(place: str, instances: Container[int]) -> None:
    """Remove the logs at a place of all other instances; none where all have one. OSError."""
    with safe_files.held(Path(place).parent) as folder:
        for name in _names(folder):
            parsed = logname.parse(place, name)
            instance = parsed.instance if parsed is not None else None
            if instance is not None and instance not in instances:
                (folder / name).unlink(missing_ok=True)


def rotate(path: Path, keep: int, now: float) -> None:
    """Put the log aside as ``<name>.<UTC time>`` and remove all but the ``keep`` newest.

    ``now`` is wall time in seconds. Names stay in the order of the rotations, even where the
    clock was set back.
    """
    with safe_files.held(path.parent) as folder:
        _rotate(folder / path.name, keep, now)


def _rotate(path: Path, keep: int, now: float) -> None:
    when = datetime.fromtimestamp(now, UTC)
    earlier = rotated(path)
    while earlier and when.strftime(TIME) <= (newest := _time_of(path, earlier[-1])):
        when = datetime.strptime(newest, TIME).replace(tzinfo=UTC) + timedelta(microseconds=1)
    path.rename(f"{path}.{when.strftime(TIME)}")
    prune(path, keep)


def rotated(path: Path) -> list[Path]:
    """The files rotated from the log at ``path``, oldest first, compressed or not."""
    found = [path.parent / name for name in _names(path.parent) if name.startswith(path.name + ".")]
    return sorted((file for file in found if _time_of(path, file)), key=lambda f: _time_of(path, f))


def prune(path: Path, keep: int, oldest: float = 0.0) -> None:
    """Remove all but the ``keep`` newest of the files rotated, and those from before ``oldest``.

    ``oldest`` is wall time in seconds.
    """
    files = rotated(path)
    times = sorted({_time_of(path, file) for file in files}, reverse=True)[:keep]
    limit = datetime.fromtimestamp(oldest, UTC).strftime(TIME)
    for file in files:
        when = _time_of(path, file)
        if when not in times or when < limit:
            file.unlink(missing_ok=True)


def oldest_kept(rotate: Rotate, now: float) -> float:
    """Since when a rotated file is kept."""
    return now - rotate.max_age_days * _DAY if rotate.max_age_days is not None else 0.0


def _names(folder: str | Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _time_of(path: Path, file: Path) -> str:
    """When ``file`` was rotated, as in its name; empty where it is something else."""
    text = file.name.removeprefix(path.name + ".")
    for packed in logname.PACKED:
        text = text.removesuffix(packed)
    try:
        datetime.strptime(text, TIME)
    except ValueError:
        return ""
    return text
