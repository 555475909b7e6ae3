"""What several packages' tests need."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something of the machine, and nothing of the code.
settings.register_profile("recon", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("recon")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A directory that every user of the host can enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="recon-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        closed = [above for above in folder.parents if not above.stat().st_mode & 0o001]
        if closed:
            pytest.skip(f"others cannot enter {closed[0]}, where temporary files are made")
        yield folder
