from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.ui.monit.feed import alone
from reconciler.ui.monit.feed.alone import Alone
from tests.waiting import until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "_EVERY", 0.01)
    monkeypatch.setattr(alone, "_FIRST", 0.01)


def test_it_looks_as_long_as_it_is_wanted() -> None:
    shown: list[Mapping[str, Any]] = []
    looks = iter(range(10**9))
    looker = Alone(lambda: {"look": next(looks)}, lambda document, at: shown.append(document))
    looker.want(True)
    until(lambda: len(shown) > 2)
    looker.want(False)
    count = len(shown)
    looker.want(True, patient=False)
    until(lambda: len(shown) > count + 1)
    looker.want(False)


def test_a_look_that_fails_is_made_again() -> None:
    shown: list[Mapping[str, Any]] = []
    errors = iter([OSError("disk"), ValueError("x")])

    def look() -> Mapping[str, Any]:
        for error in errors:
            raise error
        return {"apps": []}

    looker = Alone(look, lambda document, at: shown.append(document))
    looker.want(True)
    until(lambda: bool(shown))
    looker.want(False)
