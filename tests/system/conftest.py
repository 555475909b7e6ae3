"""Real processes of a host, as the tests of ``observed`` have them."""

from __future__ import annotations

from tests.observed.conftest import watched, zoo

__all__ = ["watched", "zoo"]
