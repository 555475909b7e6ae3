"""A nonce passes through a resource limit and back; no limit that bounds anything carries one."""

from __future__ import annotations

import resource

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.host.lineage import limit_of, nonce_of

NONCES = st.binary(min_size=6, max_size=6).map(bytes.hex)


@given(NONCES)
def test_a_nonce_comes_back_as_it_was(nonce: str) -> None:
    limit = limit_of(nonce)
    assert limit is not None and nonce_of(limit) == nonce
    assert 1 << 62 <= limit < 1 << 63, "more microseconds than anything takes, and setrlimit has it"


@given(st.one_of(st.just(resource.RLIM_INFINITY), st.integers(0, (1 << 62) - 1)))
def test_a_limit_that_means_something_carries_none(limit: int) -> None:
    assert nonce_of(limit) is None


@given(st.text(max_size=13).filter(lambda text: len(text) != 12))
def test_what_is_no_nonce_of_ours_makes_no_limit(text: str) -> None:
    assert limit_of(text) is None
