from __future__ import annotations

from reconciler.ui.monit.feed.recent import KEPT, Recent, total
from tests.cli.documents import app, instance, status
from tests.ui.monit.fake import MI, usage_of


def document(*names: str, cpu: float | None = 1.0) -> dict[str, object]:
    rows = [instance(name, cpuPercent=cpu, rssBytes=MI) for name in names]
    return status(app("web", instances=rows))


def test_values_are_kept_for_each_instance_and_their_sum_for_the_app() -> None:
    recent = Recent()
    for cpu in (1.0, 2.0, None, 3.0):
        recent.add(document("web-0", "web-1", cpu=cpu))
    assert list(recent.of("web-0").cpu) == [1.0, 2.0, 3.0]
    assert list(recent.of("web/").cpu) == [2.0, 4.0, 6.0]
    assert list(recent.of("nothing").cpu) == []


def test_what_is_gone_is_forgotten_and_nothing_grows() -> None:
    recent = Recent()
    for number in range(200):
        recent.add(document(f"web-{number}"))
    assert list(recent.of("web-0").cpu) == []
    for _ in range(200):
        recent.add(document("web-0"))
    assert len(recent.of("web-0").memory) == KEPT


def test_the_memory_of_before_is_put_in_front_once() -> None:
    recent = Recent()
    first = document("web-0", "web-1")
    recent.add(first)
    recent.begin(usage_of(first))
    before = [number * MI for number in range(30, 42)]
    assert list(recent.of("web-0").memory) == [*before, MI]
    assert list(recent.of("web/").memory) == [*(2 * one for one in before), 2 * MI]
    recent.begin(usage_of(first))
    assert len(recent.of("web-0").memory) == 13


def test_what_is_known_of_none_is_unknown() -> None:
    assert total([]) == (None, None)
    assert total([{"cpuPercent": None, "rssBytes": 3}]) == (None, 3)
