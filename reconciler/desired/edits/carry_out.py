"""An edit carried out on its file: by the command line itself, or as a task of a worker process.

A disk may never answer, and a large file takes long to compare. So in the controller this is a task
(``system.work.worker``), which can be killed: the file is then as it was, or as it was to become.
"""

from __future__ import annotations

import errno

from reconciler.desired.edits.edit import Edit
from reconciler.desired.edits.order import Change, Order, Outcome
from reconciler.desired.text.edit import EditError
from reconciler.desired.text.undo import UndoError
from reconciler.desired.text.yaml import MAX_BYTES
from reconciler.system.files.replace import ChangedMeanwhileError, held_file
from reconciler.system.work.session import Session


class UnwritableError(Exception):
    """The file cannot be written: a sentence."""


def carry_out(change: Change, *, dry_run: bool = False) -> Edit:
    """Edit the file; with ``dry_run`` only say what the edit would be.

    EditError, UndoError: the edit cannot be made. UnwritableError: the file cannot be read or
    written. In each case the file is as it was.
    """
    try:
        with held_file(change.file) as file:
            before = file.read(MAX_BYTES)
            after = change.edited(before)
            if after != before and not dry_run:
                file.replace(before, after)
    except ChangedMeanwhileError as error:
        raise EditError(f"{error.strerror}; try again") from None
    except OSError as error:
        raise UnwritableError(_sentence(error)) from None
    return Edit(change.file, before, after)


def perform(order: Order, session: Session) -> Outcome:
    """The same as a task."""
    session.at(order.change.file)
    file = order.change.file
    try:
        edit = carry_out(order.change, dry_run=order.dry_run)
    except (EditError, UndoError) as error:
        return Outcome(file, refusal=f"{file}: {error}; nothing was written")
    except UnwritableError as error:
        return Outcome(file, refusal=f"{file} {error}; nothing was written", is_unwritable=True)
    if edit.after == edit.before:
        return Outcome(file)
    return Outcome(file, edit.line, edit.diff())


def _sentence(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "is not there any more"
    return f"cannot be written: {error.strerror}"
