from __future__ import annotations

import pytest

from reconciler.cli.framework.errors import UsageError
from reconciler.cli.framework.selector import parse
from tests.cli.conftest import Cli


@pytest.mark.parametrize("text", ["", "a=b=c", "!a=b", "a b"])
def test_nonsense_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


def test_status_shows_what_is_selected(cli: Cli) -> None:
    cli.app("front", tier="web")
    cli.app("back")
    done = cli("status", "-l", "tier=web")
    assert "front" in done.out and "back" not in done.out
