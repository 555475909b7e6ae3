"""A literal that moves into a file: same value, nothing overwritten, no byte more touched."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.desired.environment.secretfile import (
    Home,
    holds,
    home_of,
    keep_out_of_git,
    literals,
    masked,
    moved,
    write,
)
from reconciler.desired.text import yaml
from tests.desired.conftest import manifest

ME = (os.geteuid(), os.getegid())


def one(text: str, name: str = "K") -> tuple[bytes, str]:
    """The text with K moved, and the value that it had."""
    found = next(literal for literal in literals(text.encode(), "web") if literal.name == name)
    home = Home(Path("/m/secrets/web") / name, found.value)
    return moved(text.encode(), found, home, "/m/web.yaml"), found.value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("hunter2  # beside it", "hunter2"),
        ('"hunter2"', "hunter2"),
        ("'it''s'", "it's"),
        ('"a\\nb"', "a\nb"),
        ("|\n      a\n      b\n", "a\nb\n"),
        ("|-\n      a\n      b", "a\nb"),
        (">\n      a\n      b\n\n", "a b\n"),
        ("a\n      b", "a b"),
        ("&key hunter2", "hunter2"),
        ("!!str 123", "123"),
        ("0123", "0123"),
    ],
)
def test_only_the_value_changes(written: str, value: str) -> None:
    before = manifest("web", f"  env:\n    A: 1 # a\n    K: {written}\n    Z: z\n  # end\n")
    after, was = one(before)
    assert was == value
    document = yaml.parse(after.decode())[0].data
    assert document["spec"]["env"] == {"A": "1", "K": {"secretFile": "secrets/web/K"}, "Z": "z"}
    head, _, tail = before.partition(written)
    assert after.decode().startswith(head) and after.decode().endswith(tail)


def test_the_last_of_an_anchor_and_its_aliases_goes_first() -> None:
    text = manifest("web", "  env: {K: &k s3cret-s3cret, L: *k}\n").encode()
    found = sorted(literals(text, "web"), key=lambda literal: -literal.start)
    for literal in found:
        text = moved(text, literal, Home(Path("/m/secrets/web/K"), literal.value), "/m/w.yaml")
    env = yaml.parse(text.decode())[0].data["spec"]["env"]
    assert env == {name: {"secretFile": "secrets/web/K"} for name in "KL"}


def test_profiles_have_literals_too_and_a_mask_shows_none() -> None:
    text = manifest("web", "  env: {K: one}\n  profiles: {dev: {env: {K: two}}, x: {}}\n").encode()
    found = list(literals(text, "web"))
    assert [literal.value for literal in found] == ["one", "two"]
    for literal in reversed(found):
        text = masked(text, literal)
    assert b"one" not in text and b"two" not in text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_what_is_written_reads_back_as_the_value(tmp_path: Path, value: str) -> None:
    home = Home(tmp_path / "secrets/web/K", value)
    home.file.unlink(missing_ok=True)
    write(home, ME)
    assert holds(home)


def test_the_file_is_for_its_owner_alone_and_takes_the_place_of_none(tmp_path: Path) -> None:
    home = Home(tmp_path / "secrets/web/K", "one")
    before = os.umask(0)
    try:
        write(home, ME)
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.file.parent.stat().st_mode) == 0o700
    write(home, ME)  # the same value: an earlier try
    with pytest.raises(FileExistsError):
        write(Home(home.file, "two"), ME)
    assert home.file.read_text() == "one\n"
    assert os.listdir(home.file.parent) == ["K"], "nothing is left beside it"


def test_another_value_of_that_name_gets_a_number(tmp_path: Path) -> None:
    path = str(tmp_path / "web.yaml")
    (first,) = literals(manifest("web", "  env: {K: one}\n").encode(), "web")
    (second,) = literals(manifest("web", "  env: {K: two}\n").encode(), "web")
    home = home_of(first, path, set())
    assert home.file == tmp_path / "secrets/web/K"
    assert home_of(second, path, {home.file}).file == tmp_path / "secrets/web/K.2"
    write(home, ME)
    assert home_of(second, path, set()).file == tmp_path / "secrets/web/K.2"
    assert home_of(first, path, set()).file == home.file, "it is there already"


def test_a_variable_named_like_a_manifest_makes_none(tmp_path: Path) -> None:
    (found,) = literals(manifest("web", "  env: {K.yaml: one}\n").encode(), "web")
    assert home_of(found, str(tmp_path / "w.yaml"), set()).file.name == "K.yaml.secret"


def test_git_is_told_to_ignore_them_where_there_is_a_work_tree(tmp_path: Path) -> None:
    inside = tmp_path / "repo/manifests"
    (inside / "secrets").mkdir(parents=True)
    assert keep_out_of_git(str(inside / "web.yaml"), ME) is None
    (tmp_path / "repo/.git").mkdir()
    made = keep_out_of_git(str(inside / "web.yaml"), ME)
    assert made is not None and made.read_text() == "*\n"
    made.write_text("mine")
    assert keep_out_of_git(str(inside / "web.yaml"), ME) is None and made.read_text() == "mine"
