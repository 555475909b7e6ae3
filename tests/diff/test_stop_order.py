"""Everything is stopped dependents first, and everything is stopped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.stop_order import Teardown

graphs = st.dictionaries(
    st.sampled_from("abcdefg"), st.frozensets(st.sampled_from("abcdefg"), max_size=3)
)


def _needed_by(needs: dict[str, frozenset[str]], name: str) -> set[str]:
    """All that ``name`` depends on, directly or through others."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for need in needs.get(waiting.pop(), frozenset()) - found:
            found.add(need)
            waiting.append(need)
    return found


def _stop_all(order: Teardown, running: set[str]) -> list[str]:
    stopped: list[str] = []
    waiting = sorted(running)
    while waiting:
        name = waiting.pop(0)
        if name in stopped or name not in running or order.held_by(name) is not None:
            continue
        stopped.append(name)
        waiting += order.gone(name)
    return stopped


@given(graphs, st.sets(st.sampled_from("abcdefgh")))
def test_everything_is_stopped_also_where_dependencies_form_a_circle(
    needs: dict[str, frozenset[str]], running: set[str]
) -> None:
    assert sorted(_stop_all(Teardown(needs, running), running)) == sorted(running)


@given(graphs, st.sets(st.sampled_from("abcdefgh")))
def test_an_app_is_stopped_after_all_that_depend_on_it(
    needs: dict[str, frozenset[str]], running: set[str]
) -> None:
    acyclic = {name: frozenset(n for n in below if n < name) for name, below in needs.items()}
    stopped = _stop_all(Teardown(acyclic, running), running)
    for position, name in enumerate(stopped):
        assert not _needed_by(acyclic, name) & set(stopped[:position])
