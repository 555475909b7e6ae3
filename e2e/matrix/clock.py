"""A wall clock that is set while a controller runs: the controller reads another one, and it alone.

The clocks since boot (CLOCK_BOOTTIME, CLOCK_MONOTONIC) stay as they are, as where an administrator
sets the time. Python imports a module of the name ``sitecustomize`` when it starts: here it shifts
``time.time`` and ``time.time_ns`` by what a file says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from e2e.harness import Recon, replace
from tests.waiting import until

_METRIC = "process_start_time_seconds "
_SHIFT = """
import os, time
_path = os.path.dirname(__file__) + "/offset"
def _offset():
    try:
        with open(_path) as file:
            return int(file.read())
    except OSError:
        return 0
def _shifted(real, unit):
    return lambda: real() + _offset() * unit
time.time, time.time_ns = _shifted(time.time, 1), _shifted(time.time_ns, 10**9)
"""


def shifted() -> Sequence[str]:
    """A command that reads its wall clock by the offset in a file."""
    script = (
        'site="${RECON_MANIFESTS%/*}/site"; mkdir -p "$site"'
        ' && echo "$1" > "$site/sitecustomize.py" && shift && PYTHONPATH="$site" exec "$@"'
    )
    return ["sh", "-c", script, "sh", _SHIFT]


def steps(seconds: int) -> Callable[[Recon], AbstractContextManager[None]]:
    """The clock is set by so much, and back again when the fault is over."""

    @contextmanager
    def lasts(recon: Recon) -> Iterator[None]:
        before = _began(recon)
        _set(recon, seconds)
        try:
            until(lambda: abs(_began(recon) - before - seconds) < 60, what="the controller sees it")
            yield
        finally:
            _set(recon, 0)

    return lasts


def _set(recon: Recon, seconds: int) -> None:
    replace(recon.manifests.parent / "site/offset", str(seconds))


def _began(recon: Recon) -> float:
    """When the controller was started, by the wall clock as it reads it now."""
    lines = recon.cli("metrics").splitlines()
    return next(float(one.split()[1]) for one in lines if one.startswith(_METRIC))
