"""A mistake is an event when it comes and when it goes, and none in between."""

from __future__ import annotations

from reconciler.loop.manifests.mistakes import Mistakes
from reconciler.model.state.desired import Problem
from reconciler.model.state.event import Event


def problem(file: str, message: str = "wrong") -> Problem:
    return Problem(file, 1, 2, "spec.x", message)


def test_each_mistake_is_told_once_and_its_end_once_a_file() -> None:
    events: list[Event] = []
    mistakes = Mistakes(events.append)

    def told(*problems: Problem) -> list[tuple[str, str]]:
        events.clear()
        mistakes.tell(problems)
        return [(event.reason, event.message) for event in events]

    one, two, other = problem("a.yaml", "1"), problem("a.yaml", "2"), problem("b.yaml")
    assert told() == []
    assert told(two, one) == [("ManifestInvalid", str(one)), ("ManifestInvalid", str(two))]
    assert told(one, two) == []
    assert told(one, other) == [("ManifestInvalid", str(other))], "a.yaml is wrong all the same"
    assert told(other) == [("ManifestValid", "a.yaml: the mistake is fixed")]
    assert told() == [("ManifestValid", "b.yaml: the mistake is fixed")]
