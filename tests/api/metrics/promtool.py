"""Prometheus' own tool, of Debian's package ``prometheus``."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not here (apt-get install prometheus)"
)
_SELECTOR = re.compile(r"\b(recon_\w+|process_\w+|up)\b(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')


def promtool(*words: str | Path, stdin: str = "") -> None:
    """Asserts that it finds nothing wrong."""
    assert PROMTOOL is not None
    done = subprocess.run(
        [PROMTOOL, *words], input=stdin, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def selectors(expression: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each metric that is named, with the labels and the words that are looked for."""
    found = []
    for name, inner in _SELECTOR.findall(expression):
        words = [
            (label, word)
            for label, _, pattern in _MATCHER.findall(inner)
            for word in pattern.split("|")
        ]
        found.append((name, words))
    return found
