"""`--target`: which engine a verb is about."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.cli.framework.errors import UsageError
from reconciler.cli.framework.options import Where, where
from reconciler.cli.verbs.elsewhere.target import elsewhere


def place_of(folder: Path, settings: str | None = None) -> Where:
    if settings is not None:
        text = f"apiVersion: recon/v1\nkind: Settings\nspec: {settings}\n"
        (folder / "recon.yaml").write_text(text)
    return where(str(folder), str(folder / "state"))


def test_it_is_this_host_unless_the_option_or_the_settings_say_another(tmp_path: Path) -> None:
    assert elsewhere(place_of(tmp_path), None) is None
    assert elsewhere(place_of(tmp_path), "nomad") == "nomad"
    place = place_of(tmp_path, "{target: 'kubernetes:prod'}")
    assert elsewhere(place, None) == "kubernetes:prod"
    assert elsewhere(place, "nomad:x") == "nomad:x"
    assert elsewhere(place, "host") is None
    assert elsewhere(place_of(tmp_path, "{target: host}"), None) is None


def test_a_word_that_only_looks_like_it_is_none(tmp_path: Path) -> None:
    assert elsewhere(place_of(tmp_path, "{defaults: {}}  # target: kubernetes"), None) is None


@pytest.mark.parametrize("word", ["k8s", "kubernetes:", "host:x"])
def test_a_wrong_word_is_a_usage_error(tmp_path: Path, word: str) -> None:
    with pytest.raises(UsageError, match="--target"):
        elsewhere(place_of(tmp_path), word)


def test_what_is_no_file_says_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "recon.yaml")  # whose reader would wait for a writer
    assert elsewhere(place_of(tmp_path), None) is None
