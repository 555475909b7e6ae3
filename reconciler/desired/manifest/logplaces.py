"""Where the logs of an app go: as absolute places, and what is wrong with them on this host."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from reconciler.desired.text.yaml import Path
from reconciler.model.spec.logs import Logs
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.words import logname
from reconciler.model.words.sentence import Sentence
from reconciler.system.work import door
from reconciler.system.work.door import UnansweredError


def absolute(logs: Logs, join: Callable[[str], str], app: str) -> Logs:
    """The same with absolute places; ``<app>`` is the name of the app."""
    written = {"stdout": logs.stdout, "stderr": logs.stderr}
    found = {
        field: join(place.replace(logname.APP, app))
        for field, place in written.items()
        if place is not None
    }
    return logs.model_copy(update=found) if found else logs


def declared(spec: ProgramSpec) -> Iterator[tuple[Path, str]]:
    """(field below ``spec``, place) of the logs that are not in recon's own place."""
    for field, place in (("stdout", spec.logs.stdout), ("stderr", spec.logs.stderr)):
        if place is not None:
            yield ("logs", field), place


def faults(spec: ProgramSpec, state: str | None) -> Iterator[tuple[Path, Sentence]]:
    """(field, why) for what cannot be, of a spec with absolute places.

    ``state``: recon's own directory, links resolved; None where that is not known.
    """
    for where, place in declared(spec):
        message = _fault_of(logname.place_for(place, 0)) or _inside(place, state)
        if message:
            yield where, message


def _inside(place: str, folder: str | None) -> Sentence | None:
    if folder is None or not _real(place).startswith(folder + os.sep):
        return None
    message = f"{place} is in recon's own state directory, where only recon writes"
    return Sentence(message, "name another")


def _real(place: str) -> str:
    return os.path.join(door.realpath(os.path.dirname(place)), os.path.basename(place))


def _fault_of(path: str) -> Sentence | None:
    try:
        mode = door.stat(path).st_mode
    except NotADirectoryError:
        return Sentence(f"{path} is not a valid path: a part of it is a file, not a directory")
    except UnansweredError:
        raise
    except OSError:
        return None  # made when it is written, or told of then
    if stat.S_ISDIR(mode):
        return Sentence(f"{path} is a directory", "name a file in it")
    if not stat.S_ISREG(mode):
        message = f"{path} is not a regular file, so it cannot hold a log"
        return Sentence(message, "name another")
    return None
