"""Any text, written into a unit, is read by systemd as that text."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.convert.systemd.unitfile import (
    Section,
    Unwritable,
    assignment,
    command,
    path,
    render,
    span,
    text,
    word,
)
from tests.convert.systemd.systemd_reads import SYSTEMD, read

asks_systemd = pytest.mark.skipif(
    not os.path.exists(SYSTEMD), reason="SKIPPED: systemd is not installed, which reads the units"
)
_SLOW = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
_SPECIAL = st.sampled_from("%$\\\"' ;#=\n\t\r\x1b\x7f{}()*?~é€😀@-+!:,|&<>`") | st.characters(
    exclude_categories=["Cs"], exclude_characters="\0"
)


def _is_refused(c: str) -> bool:
    """A control character, or what Unicode says is none."""
    nothing = "\ufdd0" <= c <= "\ufdef" or ord(c) & 0xFFFE == 0xFFFE
    return nothing or (c not in "\t\n" and (c < " " or c == "\x7f"))


_TEXTS = st.lists(st.text(_SPECIAL, max_size=30), min_size=1, max_size=20)


@asks_systemd
@_SLOW
@given(_TEXTS)
def test_each_word_of_a_command_arrives_as_it_was(words: list[str]) -> None:
    lines = [("Type", "oneshot"), ("ExecStart", command(["/bin/true", *words]))]
    unit = render([Section("Service", lines)])
    assert read({"a.service": unit}, "a.service").commands() == [["/bin/true", *words]]


@asks_systemd
@_SLOW
@given(_TEXTS)
def test_each_variable_arrives_as_it_was_or_is_refused(values: list[str]) -> None:
    lines = [("ExecStart", "/bin/true")]
    wanted = []
    for number, value in enumerate(values):
        try:
            lines.append(("Environment", assignment(f"V{number}", value)))
            wanted.append(f"V{number}={value}")
        except Unwritable:
            assert any(map(_is_refused, value))
    found = read({"a.service": render([Section("Service", lines)])}, "a.service")
    assert found.values("Environment") == wanted


@asks_systemd
@pytest.mark.parametrize("name", ["/tmp/a b", "/tmp/100%h", "/tmp/$HOME", "/tmp/it's", '/tmp/"q"'])
def test_paths_arrive_as_they_were(name: str) -> None:
    unit = [("RequiresMountsFor", word(name)), ("Description", text(f"of {name}"))]
    service = [("ExecStart", command([f"{name}/x", "1"])), ("WorkingDirectory", path(name))]
    service.append(("EnvironmentFile", path(name)))
    whole = render([Section("Unit", unit), Section("Service", service)])
    found = read({"a.service": whole}, "a.service")
    assert found.values("WorkingDirectory") == [name]
    assert name in found.values("EnvironmentFile")[0]
    assert found.values("Description") == [f"of {name}"]
    assert any(line.startswith(name) for line in found.values("RequiresMountsFor"))
    [words] = found.commands()
    assert words[-2:] == [f"{name}/x", "1"]


@pytest.mark.parametrize("name", ["/a\nb", "/a ", "/a\\"])
def test_a_path_that_no_unit_can_hold_is_refused(name: str) -> None:
    with pytest.raises(Unwritable):
        path(name)


def test_a_name_that_no_variable_of_systemd_can_have_is_refused() -> None:
    with pytest.raises(Unwritable, match=r"A\.B"):
        assignment("A.B", "1")


def test_durations_are_exact_and_never_zero_which_would_mean_for_ever() -> None:
    assert [span(x) for x in (30, 0.25, 0, 1e-9, 1.5e-5)] == ["30s", "250ms", "1us", "1us", "15us"]
