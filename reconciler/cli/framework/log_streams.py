"""Whether `recon logs --stderr` can be answered: not where both streams go to one file unmarked.

That is so with `logs.merge`, or one path for both, and text. What the files held before, and what
the manifests declare now, are distinguished: nothing is said of an app whose streams have files of
their own by now.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.cli.framework.options import Where
from reconciler.logs.read.files import LogFile
from reconciler.logs.read.search import lacks_stream
from reconciler.model.state.builder import built_by


def unmarked(place: Where, found: Iterable[LogFile]) -> list[str]:
    """The apps whose logs do not say which line belongs to which stream."""
    names = {log.app for log in found if log.mixed and lacks_stream(log)}
    apart = _separate_now(place) if names else set()
    return sorted(name for name in names if (built_by(name) or name) not in apart)


def explained(apps: list[str], *, stderr: bool) -> str:
    """The sentence for the user who asked for standard error alone, or for standard output."""
    names = f"{', '.join(apps)}: " if len(apps) < 4 else f"{len(apps)} apps: "
    message = "--stderr finds no lines" if stderr else "lines of standard error are shown as well"
    return (
        f"{names}both streams are in one file, unmarked (logs.merge, or the same path for both), "
        f"so {message}; write logs.format: json to mark each line, or remove merge"
    )


def _separate_now(place: Where) -> set[str]:
    from reconciler.cli.framework.offline import scan  # noqa: PLC0415  heavy, and seldom needed

    apps = scan(place).apps.values()
    return {app.name for app in apps if app.spec.logs.format == "json" or not app.spec.logs.mixed}
