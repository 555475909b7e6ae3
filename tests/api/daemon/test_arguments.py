"""The options of a controller, as `recon run` writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.api.daemon.controller import _arguments, _options
from reconciler.cli.framework.options import where
from reconciler.cli.verbs.host.run import command


def test_what_recon_run_writes_is_read(tmp_path: Path) -> None:
    place = where(str(tmp_path), str(tmp_path / "state"), "dev", new=True)
    words = command(place, "--api-group", "staff", "--confirm-load", "--down")
    given = _arguments(words[words.index("reconciler.api") + 1 :])
    options, group = _options(given)
    assert (options.manifests, options.paths.root) == (tmp_path, tmp_path / "state")
    assert (options.profile, options.down, options.confirm_load) == ("dev", True, True)
    assert (group, "held" in given) == ("staff", False)


def test_the_group_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECON_API_GROUP", "staff")
    assert _options(_arguments([]))[1] == "staff"
    assert _options(_arguments(["--api-group", "other"]))[1] == "other"
    monkeypatch.setenv("RECON_API_GROUP", "")
    assert _options(_arguments([]))[1] is None


@pytest.mark.parametrize("word", ["--nothing", "more"])
def test_an_unknown_word_is_refused(word: str) -> None:
    with pytest.raises(SystemExit, match=word.lstrip("-")):
        _arguments([word])
