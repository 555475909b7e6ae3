"""Blocks that are free are given back to the kernel."""

from __future__ import annotations

import subprocess
import sys

_CODE = """
from reconciler.system import resident

used = []
free = [bytes(2000) for _ in range(20_000)]
used = free[::16]
del free
before = resident.resident()
resident.give_back()
print(resident.resident() < before - 2**22, len(used))
"""


def test_a_process_is_smaller_afterwards() -> None:
    command = [sys.executable, "-P", "-c", _CODE]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "True 1250\n"
