"""What every engine's status says of the plan."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.state.observed import DriftKind
from reconciler.model.state.plan import AppChange, Change, FieldChange, Sync
from reconciler.model.words.fields import Effect
from reconciler.targets import status

FIELDS = (
    FieldChange("env.A", None, "b", Effect.REPLACES),
    FieldChange("instances", 3, 2, Effect.IN_PLACE),
)
SAME = Change("web", "none", None, None, (), 0, 0, 0, 1)
OTHER = replace(SAME, action="update", fields=FIELDS)
HELD = replace(SAME, held=True, fields=FIELDS, notes=("others own it",))


def app(change: Change) -> AppChange:
    return AppChange("web", None, change)


def test_synced_is_what_is_there_and_would_stay_as_it_is() -> None:
    assert status.sync(app(SAME), is_there=True) is Sync.SYNCED
    for change, there in ((SAME, False), (OTHER, True), (HELD, True)):
        assert status.sync(app(change), is_there=there) is Sync.OUT_OF_SYNC


def test_drift_has_the_fields_in_words_also_while_it_waits() -> None:
    assert status.drift(app(SAME)) == ()
    for change in (OTHER, HELD):
        found = [(one.kind, one.detail) for one in status.drift(app(change))]
        assert found == [
            (DriftKind.OUTDATED, "env.A: (unset) → b"),
            (DriftKind.IN_PLACE, "instances: 3 → 2"),
        ]


def test_what_waits_for_a_person_is_said_before_what_is_not_well() -> None:
    assert status.message(app(HELD), "crashes") == "others own it"
    assert status.message(app(OTHER), "crashes") == "crashes"
    assert status.message(app(OTHER), "") == "is not what is declared"
    assert status.message(app(SAME), "") == ""
