"""What is wrong with a target before anything is sent: for `validate` and `doctor`, not the loop.

Apprise is imported where a target needs it, and files are read: none of this is for the controller.
"""

from __future__ import annotations

import shutil

from reconciler.desired.files import read_regular
from reconciler.model.words.sentence import Sentence
from reconciler.notify.by_apprise import INSTALL, problem_of
from reconciler.notify.deliver import FILE_LIMIT, first_line
from reconciler.notify.target import Target
from reconciler.system.files.trust import trusting


def fault_of(target: Target, *, host: bool = True) -> Sentence | None:
    """Why nothing can be sent to a target, and what to do; None where nothing is known against it.

    ``host``: look at files and programs of this machine, too.
    """
    if target.command:
        return _of_command(target) if host else None
    file = target.url_file or target.webhook_file
    address = target.url
    if file is not None and host:
        found = _in_file(file)
        if isinstance(found, Sentence):
            return found
        address = found if target.url_file is not None else None
    return _of_url(address, host=host) if address is not None else None


def _in_file(file: str) -> str | Sentence:
    """The address in a file, or why it cannot be used."""
    remedy = "write the address in its first line"
    try:
        address = first_line(read_regular(file, FILE_LIMIT, trusting()))
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        return Sentence(f"{file} cannot be read: {why}", remedy)
    return address or Sentence(f"{file} is empty", remedy)


def _of_url(address: str, *, host: bool) -> Sentence | None:
    try:
        problem = problem_of(address)
    except ImportError:
        missing = Sentence("Apprise is not installed, which url and urlFile need", INSTALL)
        return missing if host else None
    remedy = "compare it with Apprise's documentation of the service"
    return Sentence(problem, remedy) if problem else None


def _of_command(target: Target) -> Sentence | None:
    program = target.command[0]
    if shutil.which(program) is None and "/" not in program:
        return Sentence(f"there is no program {program}", "write its path, or install it")
    return None
