"""The output of a run, or of builds, as it comes, while a command waits for its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler.cli.framework.options import Where
from reconciler.logs.read.files import LogFile, LogLine, find
from reconciler.logs.read.follow import follow
from reconciler.model.state.builder import built_by
from reconciler.render.terminal import colours, paint, plain


def builds(place: Where) -> list[LogFile]:
    """The logs of all builds."""
    return [log for log in find(place.paths.root) if built_by(log.app) is not None]


class Live:
    """Follows these logs from now on; what was written before is not shown."""

    def __init__(self, logs: Callable[[], list[LogFile]]) -> None:
        """``logs`` is asked again at each look."""
        self._coming = follow(logs)
        self._first = [*self._lines()]  # from here on nothing is missed
        self._colour = colours()

    def show(self, instance: int | None = None) -> bool:
        """Print what is new (of one instance); whether that was anything."""
        lines = [*self._first, *self._lines()]
        self._first.clear()
        shown = [line for line in lines if instance is None or line.instance in (None, instance)]
        for line in shown:
            mark = "!" if line.stream == "err" else "|"
            prefix = paint(f"{line.source} {mark}", "cyan", on=self._colour)
            print(f"{prefix} {plain(line.text)}", flush=True)
        return bool(shown)

    def close(self) -> None:
        self._coming.close()

    def _lines(self) -> Iterator[LogLine]:
        for line in self._coming:
            if line is None:
                return
            yield line
