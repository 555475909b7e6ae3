"""A controller that is started before it may act, so that it loads while its starter decides.

`recon apply` shows the plan before anything is done, and both it and the controller take their
time to load. So it starts the controller first, held, and says go on its standard input; until
then the controller has looked at nothing. Its starter may end without a word: then the
controller leaves as well.
"""

from __future__ import annotations

import os
from pathlib import Path

GO = b"g"


def wait(log: Path) -> bool:
    """Wait for the go-ahead, then write to ``log``; False where the starter has gone.

    OSError where the log cannot be written.
    """
    if os.read(0, len(GO)) != GO:
        return False
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(output)
    return True
