"""Waiting on a condition with a deadline: the only way tests here let time pass."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
SLOWNESS = 10 if "RECON_VM" in os.environ else 1
"""An emulated machine (`make vm`) takes ten times as long for everything."""


def until(condition: Callable[[], T], seconds: float = 60, what: str = "") -> T:
    """The first true value of ``condition()``; AssertionError after ``seconds``.

    Only a test that fails waits so long: no caller asks for less. It looks often at first, and then
    more rarely: what is waited for gets the processor."""
    seconds *= SLOWNESS
    pause = 0.005
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        time.sleep(pause)
        pause = min(pause * 1.2, 0.05)
    return value
