"""A signal to PID 1 waits until there is a handler; tried in a pid namespace, as root."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from reconciler.system import first_process

_PROGRAM = """
import os, signal, sys
from reconciler.converge.isolation import signals
from reconciler.system import first_process
held = "held" in sys.argv
if held:
    first_process.hold()
os.kill(1, signal.SIGTERM)
first_process.note()
signals.prepare()
print(first_process.is_noted(), first_process.is_first())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: a pid namespace needs root")
@pytest.mark.parametrize("how", ["held", "not held"])
def test_a_held_signal_is_noted_when_it_is_unblocked(how: str) -> None:
    words = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", _PROGRAM, how]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout == f"{how == 'held'} True\n", done.stderr


def test_another_process_keeps_its_signals() -> None:
    first_process.hold()
    first_process.note()
    assert not first_process.is_first() and not first_process.is_noted()
