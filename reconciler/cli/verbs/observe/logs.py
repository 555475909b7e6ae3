"""`recon logs`: the output of all instances, merged by time. Works on the files alone."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, NamedTuple

from reconciler.cli.framework import log_names, log_streams
from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import ERROR, OK, CliError, usage
from reconciler.cli.framework.grep import compiled
from reconciler.cli.framework.options import (
    Manifests,
    Selector,
    StateDir,
    Where,
    moment,
    where,
    whole_number,
)
from reconciler.cli.verbs.elsewhere.target import TargetOption, elsewhere
from reconciler.logs.read.files import LogFile, LogLine, find
from reconciler.logs.read.follow import follow
from reconciler.logs.read.search import Pattern, scan, tail
from reconciler.model.host.fifo import STREAMS, Stream
from reconciler.render.logs.level import with_level
from reconciler.render.terminal import colours, harmless, is_terminal, paint

_RECENT, _RECENT_DAY = 60.0, 90_000.0
"""Seconds before following began, within which a line may be read twice; the second where times
are of a format that may leave out the hour."""

_PALETTE = ("cyan", "green", "yellow", "magenta", "blue", "red")


def logs(
    apps: Annotated[
        list[str] | None,
        Argument(metavar="APP|INSTANCE", help="Only these: web, web-1.", show_default=False),
    ] = None,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    selector: Selector = None,
    follow_: Annotated[bool, Option("--follow", "-f", help="Keep printing new lines.")] = False,
    lines: Annotated[
        str | None,
        Option(
            "--lines",
            "-n",
            "--tail",
            metavar="N",
            help="The last N lines [20; with a time: all].",
        ),
    ] = None,
    since: Annotated[
        str | None,
        Option("--since", metavar="TIME", help="Only since 10m ago, 14:30 or a date."),
    ] = None,
    until: Annotated[
        str | None, Option("--until", metavar="TIME", help="Only until then (as --since).")
    ] = None,
    stderr: Annotated[bool, Option("--stderr", help="Only standard error.")] = False,
    stdout: Annotated[bool, Option("--stdout", help="Only standard output.")] = False,
    grep: Annotated[
        str | None, Option("--grep", metavar="REGEX", help="Only lines that match.")
    ] = None,
    timestamps: Annotated[
        bool, Option("--timestamps", "-t", help="Show when each line was written.")
    ] = False,
    pretty: Annotated[
        bool, Option("--pretty", help="Fold lines of JSON: time, level, message, fields.")
    ] = False,
    target: TargetOption = None,
) -> int:
    """Show what apps wrote, merged by time.

    Rotated and compressed files are read as well, wherever logs were declared to go. Each
    line has its instance before it, and | for standard output or ! for standard error. Exits
    with 1 where --stderr finds nothing because both streams go to one file unmarked.
    """
    number = whole_number("--lines", lines) if lines is not None else None
    if lines is None and since is None and until is None:
        number = 20
    after = moment("--since", since) if since is not None else None
    before = moment("--until", until) if until is not None else None
    if before is not None and follow_:
        raise usage("--until and --follow cannot be used together")
    if stderr and stdout:
        raise usage(
            "--stderr and --stdout cannot be used together; without them both streams are shown"
        )
    streams: tuple[Stream, ...] = ("err",) if stderr else ("out",) if stdout else STREAMS
    place = where(manifests, state_dir)
    if there := elsewhere(place, target):
        if since or until or grep or stderr or stdout or pretty or selector:
            message = "--target takes -n, -f and --timestamps only; the engine keeps the output"
            raise usage(message)
        from reconciler.cli.verbs.elsewhere import logs as beyond  # noqa: PLC0415  heavy

        return beyond.logs(place, there, apps, lines=number, follow=follow_, timestamps=timestamps)
    named = log_names.chosen(place, apps) if apps else None
    selected = _selected(place, named.names if named else None, selector)

    def files() -> list[LogFile]:
        logs = find(place.paths.root, selected, streams)
        return [*named.of(logs)] if named else logs

    found = files()
    _check_names(place, named.names if named else (), found)
    unmarked = log_streams.unmarked(place, found) if stderr or stdout else []
    if unmarked:
        print(log_streams.explained(unmarked, stderr=stderr), file=sys.stderr, flush=True)
    printer = _Printer(timestamps, folds=pretty)
    with compiled(grep) as pattern:
        _show(printer, files, found, _Wish(follow_, number, after, before, pattern))
    return ERROR if unmarked and printer.silent else OK


class _Wish(NamedTuple):
    """Which lines are shown."""

    follow: bool
    number: int | None
    since: float | None
    until: float | None
    grep: Pattern | None


def _show(
    printer: _Printer, files: Callable[[], list[LogFile]], found: list[LogFile], wish: _Wish
) -> None:
    # Following begins before the past is read, so that nothing falls between the two.
    coming = follow(files, grep=wish.grep) if wish.follow else None
    first = [*_until_pause(coming)] if coming is not None else []
    past: Iterable[LogLine]
    if wish.number is None:
        past = scan(found, since=wish.since, until=wish.until, grep=wish.grep)
    else:
        past = tail(found, lines=wish.number, since=wish.since, until=wish.until, grep=wish.grep)
    shown: Counter[LogLine] = Counter()
    recent = time.time() - (_RECENT_DAY if any(log.timestamps for log in found) else _RECENT)
    for line in past:
        printer.show(line)
        if wish.follow and (line.time is None or line.time > recent):
            shown[line] += 1
    sys.stdout.flush()
    if coming is not None:
        _follow(printer, first, coming, shown)


def _follow(
    printer: _Printer,
    first: Iterable[LogLine],
    coming: Iterator[LogLine | None],
    shown: Counter[LogLine],
) -> None:
    """Show what comes, but for what was written just before the past was read."""
    for line in (*first, *_until_pause(coming)):
        if shown[line] > 0:
            shown[line] -= 1
        else:
            printer.show(line)
    sys.stdout.flush()
    for line_or_pause in coming:
        if line_or_pause is None:
            sys.stdout.flush()
        else:
            printer.show(line_or_pause)


def _until_pause(coming: Iterator[LogLine | None]) -> Iterator[LogLine]:
    for line in coming:
        if line is None:
            return
        yield line


class _Printer:
    """Writes lines with their instance before them, each instance in a colour of its own."""

    def __init__(self, timestamps: bool, *, folds: bool) -> None:
        self._timestamps = timestamps
        self._folds = folds
        self._colour = colours()
        self._shown = harmless if is_terminal() else str
        self._known: dict[str, str] = {}
        self._width = 0

    @property
    def silent(self) -> bool:
        """Nothing was shown."""
        return not self._known

    def show(self, line: LogLine) -> None:
        name = line.source
        colour = self._known.setdefault(name, _PALETTE[len(self._known) % len(_PALETTE)])
        self._width = max(self._width, len(name))
        mark = "!" if line.stream == "err" else "|"
        prefix = paint(f"{name:<{self._width}} {mark}", colour, on=self._colour)
        when = f" {_time(line.time)}" if self._timestamps else ""
        for text in self._lines(line.text):
            print(f"{prefix}{when} {self._shown(text)}")

    def _lines(self, text: str) -> list[str]:
        if self._folds:
            from reconciler.render.logs.pretty import pretty  # noqa: PLC0415  only for --pretty

            return pretty(text, colour=self._colour)
        return [with_level(text, colour=self._colour)]


def _time(when: float | None) -> str:
    if when is None:
        return "-" * 23
    whole = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
    return f"{whole}.{int(when * 1000) % 1000:03}"


def _selected(place: Where, apps: set[str] | None, selector: str | None) -> set[str] | None:
    if not selector:
        return apps
    from reconciler.cli.framework.selector import matching  # noqa: PLC0415  reads the manifests

    found = matching(place, selector)
    return found & apps if apps else found


def _check_names(place: Where, apps: Iterable[str], found: list[LogFile]) -> None:
    """An app that wrote nothing (yet) is valid; a name that no manifest and no log has is an
    error."""
    with_logs = {log.app for log in found}
    for name in sorted(apps):
        if name in with_logs or os.path.isdir(place.paths.logs / name):
            continue
        from reconciler.cli.framework import controller  # noqa: PLC0415  only where a name is not found
        from reconciler.render.status import problem  # noqa: PLC0415  heavy

        document = controller.status(place)
        known = {app["name"] for app in document["apps"]}
        wrong = [error for error in document["errors"] if name in error.get("apps", ())]
        if wrong and name in known:
            message = problem(wrong[0]).strip()
            raise CliError(f"{name} has written nothing yet: its manifest is invalid: {message}")
        if name not in known:
            raise CliError(controller.unknown_app(name, known | with_logs))
