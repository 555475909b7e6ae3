"""Kinds of children that end by themselves at once: by each exit code that says something, and by
each signal that ends a process."""

from __future__ import annotations

import signal

from e2e.matrix.kind import Kind

_NOTED = '#!sh\necho "main $$ 0 $VERSION" >> $1\n'
_IGNORED = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
_OF_TERMINALS = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
"""Ignored as well where no terminal controls the process."""


def _by_signal(number: int, name: str) -> Kind:
    return Kind(
        name.removeprefix("SIG").lower().replace("+", "-"),
        f"ends by {name} ({number})",
        f"{_NOTED}kill -{number} $$\nexec sleep 100000",
        ends=(None, name),
    )


def _by_code(code: int) -> Kind:
    return Kind(
        f"exit-{code}", f"exits with {code} at once", f"{_NOTED}exit {code}", ends=(code, None)
    )


ENDING = (
    *map(_by_code, (0, 1, 2, 127, 255)),
    *(
        _by_signal(one, one.name)
        for one in signal.Signals
        if one < 32 and one not in _IGNORED | _OF_TERMINALS | {signal.SIGSTOP}
    ),
    _by_signal(signal.SIGRTMIN, "SIGRTMIN"),
    _by_signal(signal.SIGRTMIN + 16, "SIGRTMIN+16"),
    _by_signal(signal.SIGRTMAX, "SIGRTMAX"),
)
