"""Instances join their cgroups later, in batches, and none is forgotten."""

from __future__ import annotations

from typing import Any

from reconciler.converge.cgroups.join import Enroller
from reconciler.model.state.observed import ProcessId, Tag
from tests.converge.conftest import new_tag
from tests.waiting import until


class Recorded:
    """Cgroups that only write down who enters."""

    possible = True

    def __init__(self) -> None:
        self.entered: list[Tag] = []

    def enter(self, tag: Tag, pid: int) -> None:
        self.entered.append(tag)

    def remove(self, tag: Tag) -> bool:
        return True


NOBODY = ProcessId(2**22 + 1, 1)
"""No such process, so it has no children."""


def enroller() -> tuple[Any, Enroller]:
    cgroups: Any = Recorded()
    return cgroups, Enroller(cgroups)


def test_all_that_came_are_enrolled_also_those_of_a_later_batch() -> None:
    cgroups, enrolling = enroller()
    tags = [new_tag() for _ in range(20)]
    for tag in tags[:10]:
        enrolling.add(tag, NOBODY)
    until(lambda: cgroups.entered == tags[:10], what="the first batch is enrolled")
    for tag in tags[10:]:
        enrolling.add(tag, NOBODY)
    until(lambda: cgroups.entered == tags, what="the second batch is enrolled")
    enrolling.close()


def test_what_waits_when_the_controller_leaves_is_enrolled_at_once() -> None:
    cgroups, enrolling = enroller()
    tags = [new_tag() for _ in range(1000)]
    for tag in tags:
        enrolling.add(tag, NOBODY)
    enrolling.close()
    assert cgroups.entered == tags


def test_a_start_does_not_wake_the_thread_that_already_waits_for_quiet() -> None:
    cgroups, enrolling = enroller()
    woken: list[bool] = []
    tags = [new_tag() for _ in range(100)]
    enrolling.add(tags[0], NOBODY)
    call = enrolling._called.set

    def called() -> None:
        woken.append(True)
        call()

    enrolling._called.set = called  # type: ignore[method-assign]
    for tag in tags[1:]:
        enrolling.add(tag, NOBODY)
    assert woken == []
    enrolling.close()
    assert cgroups.entered == tags
