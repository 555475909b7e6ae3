"""The logs that there are, each with what was rotated away, and a line of one as people see it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from reconciler.logs.format.catalogs import SUFFIX, catalog_of
from reconciler.logs.format.line import LineFormat
from reconciler.model.host.fifo import STREAMS, Stream
from reconciler.model.host.logcatalog import Catalog
from reconciler.model.words import logname


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of output."""

    app: str
    instance: int | None
    """None where all instances write to one file, and the line does not tell."""
    stream: Stream
    time: float | None
    """When it was written, wall time in seconds; None where the log has no times."""
    text: str

    @property
    def source(self) -> str:
        """The name of the instance, or of the app where that is not known."""
        return self.app if self.instance is None else f"{self.app}-{self.instance}"


class Rotated(NamedTuple):
    """One file of a log."""

    path: Path
    ended: float | None
    """When it was rotated, wall time in seconds; None for the current file."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log: the current file and what was rotated away."""

    app: str
    instance: int | None
    stream: Stream
    """Of lines that do not tell theirs."""
    path: Path
    timestamps: tuple[str, ...] = ()
    """Formats of times (``strftime``) that it may hold beside recon's own."""
    streams: tuple[Stream, ...] = STREAMS
    mixed: bool = field(default=False, compare=False)
    """Both streams go, or went, to it."""
    instances: frozenset[int] | None = field(default=None, compare=False)
    """Those of which lines are wanted; None for all."""
    format: LineFormat = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "format", LineFormat(self.timestamps))

    def line(self, raw: bytes) -> LogLine | None:
        """One line as it stands in the file, less its newline; None where it is not wanted."""
        when, instance, stream, text = self.format.parse(raw)
        if (stream or self.stream) not in self.streams:
            return None
        instance = self.instance if instance is None else instance
        if self.instances is not None and instance is not None and instance not in self.instances:
            return None
        return LogLine(
            self.app, instance, stream or self.stream, when, text.decode(errors="replace")
        )

    def files(self) -> list[Rotated]:
        """All files, newest first. One that is being compressed counts once."""
        rotated: dict[str, Path] = {}
        for name in _names(self.path.parent):
            parsed = logname.parse(str(self.path), name)
            if parsed is None or not parsed.when:
                continue
            if not parsed.packed or parsed.when not in rotated:
                rotated[parsed.when] = self.path.with_name(name)
        old = (Rotated(rotated[when], _ended(when)) for when in sorted(rotated, reverse=True))
        return [Rotated(self.path, None), *old]


def find(
    state_dir: Path, apps: Iterable[str] | None = None, streams: Sequence[Stream] = STREAMS
) -> list[LogFile]:
    """The logs of these apps, or of all: below ``state_dir``, and where they were declared.

    What an app has built or run apart, as ``api:build``, is its own.
    """
    names = [name for name in _names(state_dir / "logs") if not name.startswith(".")]
    selected = None if apps is None else set(apps)
    found: dict[Path, LogFile] = {}
    for name in sorted({name.removesuffix(SUFFIX) for name in names}):
        if selected is None or name in selected or name.partition(":")[0] in selected:
            catalog = catalog_of(state_dir, name) if name + SUFFIX in names else Catalog()
            for log in _of_app(state_dir, name, catalog, tuple(streams)):
                found.setdefault(log.path, log)
    return sorted(found.values(), key=_order)


def _of_app(
    state_dir: Path, app: str, catalog: Catalog, streams: tuple[Stream, ...]
) -> Iterator[LogFile]:
    own = state_dir / "logs" / app / logname.INSTANCE
    places: list[tuple[str, Stream]] = [(f"{own}.{stream}.log", stream) for stream in STREAMS]
    places += [(place, "out") for place in catalog.places]
    places += [(place, "err") for place in catalog.errors]
    for place, stream in places:
        if stream in streams or place in catalog.mixed:
            yield from _at_place(app, place, stream, catalog, streams)


def _at_place(
    app: str, place: str, stream: Stream, catalog: Catalog, streams: tuple[Stream, ...]
) -> Iterator[LogFile]:
    folder = Path(place).parent
    for name in _names(folder):
        parsed = logname.parse(place, name)
        if parsed is not None:
            path = folder / parsed.log
            mixed = place in catalog.mixed
            yield LogFile(app, parsed.instance, stream, path, catalog.timestamps, streams, mixed)


def _ended(when: str) -> float:
    try:
        return datetime.strptime(when, logname.TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _order(log: LogFile) -> tuple[str, int, str, Path]:
    return (log.app, -1 if log.instance is None else log.instance, log.stream, log.path)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
