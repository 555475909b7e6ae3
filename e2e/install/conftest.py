from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from e2e.install import chroot
from e2e.install.chroot import Chroot


@pytest.fixture(scope="module")
def debian() -> Iterator[Callable[..., Chroot]]:
    """Makes a Debian of a suite, with the packages named. Skips where that cannot be."""
    with ExitStack() as stack:

        def make(suite: str, *packages: str) -> Chroot:
            if why := chroot.lacking():
                pytest.skip(f"SKIPPED: {why}")
            try:
                return stack.enter_context(closing(Chroot(suite, *packages)))
            except SystemExit as error:
                pytest.skip(f"SKIPPED: {error}")

        yield make
