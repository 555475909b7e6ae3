"""Checks that take minutes: before a release, by `make release-check`, and not in CI."""

from __future__ import annotations

import os

import pytest

ASKED = "RECON_RELEASE_CHECK"


def only_for_a_release(what: str) -> None:
    """Skip, and say by name what is not checked."""
    if ASKED not in os.environ:
        pytest.skip(f"SKIPPED: {what}: {ASKED}=1 (make release-check) has it checked")
