"""A program chooses its own name; no name may shift the fields of its stat line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.host.procstat import STUB, ProcStat, parse_stat

FIELDS = b" T 2 3 4 0 -1 0 0 0 0 0 11 22 33 44 20 0 1 0 98765 0 55 18446744073709551615\n"
EXPECTED = ProcStat(77, "T", 2, 3, 4, 98765, ticks=33, waited_ticks=77, rss=55)


@given(st.binary(max_size=15))
def test_whatever_the_name_the_fields_are_found(name: bytes) -> None:
    starting = (b"(" + name).endswith(b"(" + STUB)
    assert parse_stat(b"77 (" + name + b")" + FIELDS) == EXPECTED._replace(starting=starting)


@pytest.mark.parametrize("line", [b"", b"77 (a) S 1", b"nothing at all"])
def test_half_a_line_is_an_error_and_no_process(line: bytes) -> None:
    with pytest.raises(ValueError, match="stat"):
        parse_stat(line)
