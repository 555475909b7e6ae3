"""Where `recon monit` cannot be: it says what to use instead."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cli


def test_in_a_pipe_it_names_recon_status_watch(cli: Cli) -> None:
    done = cli("monit")
    assert done.code == 64
    assert "recon status --watch" in done.err


def test_its_help_says_what_it_is(cli: Cli) -> None:
    done = cli("monit", "--help")
    assert done.code == 0
    assert "Watch all apps" in done.out


@pytest.mark.parametrize("word", ["monitor", "tui"])
def test_other_words_for_it_lead_to_it(cli: Cli, word: str) -> None:
    done = cli(word)
    assert done.code == 64
    assert "use `recon monit`" in done.err
