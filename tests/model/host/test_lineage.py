"""A nonce passes through a resource limit and back; no limit that bounds anything carries one."""

from __future__ import annotations

import resource

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.host.lineage import led_by, limit_of, may_lead, nonce_of

NONCES = st.binary(min_size=6, max_size=6).map(bytes.hex)


@given(NONCES)
def test_a_nonce_comes_back_as_it_was(nonce: str) -> None:
    limit = limit_of(nonce)
    assert limit is not None and nonce_of(limit) == nonce
    assert 1 << 62 <= limit < 1 << 63, "more microseconds than anything takes, and setrlimit has it"


PIDS = st.integers(1, 1 << 22)


@given(NONCES, PIDS, PIDS)
def test_a_main_process_is_told_from_its_children_and_both_have_its_nonce(
    nonce: str, main: int, child: int
) -> None:
    limit = limit_of(nonce)
    assert limit is not None and may_lead(limit, main) and may_lead(limit, child)
    led = led_by(limit, main)
    assert nonce_of(led) == nonce and may_lead(led, main) and 1 << 62 <= led < 1 << 63
    # One pid of 16,384 looks like the main process's.
    assert may_lead(led, child) is ((main - child) % (1 << 14) == 0 or main % (1 << 14) == 0)


@given(st.one_of(st.just(resource.RLIM_INFINITY), st.integers(0, (1 << 62) - 1)))
def test_a_limit_that_means_something_carries_none(limit: int) -> None:
    assert nonce_of(limit) is None


@given(st.text(max_size=13).filter(lambda text: len(text) != 12))
def test_what_is_no_nonce_of_ours_makes_no_limit(text: str) -> None:
    assert limit_of(text) is None
