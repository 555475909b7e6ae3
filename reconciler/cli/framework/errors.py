"""What may go wrong for a user, as one sentence and an exit code; never a traceback.

Exit codes of all verbs (design.md#cli): 0 fine, 1 error, 2 changes (`--detailed-exitcode`),
64 usage, 130 Ctrl-C.
"""

from __future__ import annotations

from typing import Final

OK: Final = 0
ERROR: Final = 1
CHANGES: Final = 2
USAGE: Final = 64
INTERRUPTED: Final = 130


class CliError(Exception):
    """A sentence that says what is wrong and what to do; the verb ends with exit code 1."""


class UsageError(Exception):
    """A sentence on how recon was called; it is shown below the usage of the verb."""


def usage(message: str) -> UsageError:
    """An error in how recon was called: exit code 64."""
    return UsageError(message)
