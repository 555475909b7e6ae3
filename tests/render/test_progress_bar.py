"""The bar says what the words say, and leaves a narrow terminal to the words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.progress_bar import bar


def test_a_bar_a_count_and_the_time() -> None:
    shown = bar(5, 10, "app", 12.4, columns=80, blocks=True)
    assert shown == "[██████████░░░░░░░░░░] 5 of 10 apps ready, 12s"
    assert bar(0, 1, "app", 0, columns=80, blocks=False) == f"[{'.' * 20}] 0 of 1 app ready, 0s"
    assert bar(5, 10, "app", 61, columns=40, blocks=True) == "5 of 10 apps ready, 1m01s"
    assert bar(0, 0, "app", 1, columns=80, blocks=True) == "0 of 0 apps ready, 1s"


@given(st.integers(1, 10_000), st.data())
def test_it_is_full_only_when_all_is_done(total: int, data: st.DataObject) -> None:
    done = data.draw(st.integers(0, total))
    shown = bar(done, total, "app", 1, columns=80, blocks=False)
    assert ("." not in shown) is (done == total)
