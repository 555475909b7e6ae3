"""Recorded answers in which a value is another: a look succeeds, or says what is wrong."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.api.documents.status import change_document, status_of
from reconciler.model.state.desired import Desired
from reconciler.render.plan import plan_text
from reconciler.render.status import app_lines
from reconciler.targets.engine import EngineError
from reconciler.targets.nomad.engine import Nomad
from tests.targets.nomad.played import Played

SEEDS = 30
VALUES: tuple[Any, ...] = (
    None,
    0,
    -1,
    2**64,
    10**400,
    1.5,
    True,
    "",
    "9" * 5000,
    "\x1b]0;x\x07\u202e",
    "0001-01-01T00:00:00Z",
    "../../x",
    [],
    [None],
    {},
    {"": {}},
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container with each of its keys."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


@pytest.mark.parametrize("scenario", ["crashing", "reverted", "edited"])
def test_a_value_that_is_another_is_no_fault_of_recon(
    scenario: str,
    nomad: Nomad,
    played: Played,
    replay: Callable[[str], None],
    declared: Callable[..., Desired],
) -> None:
    replay(scenario)
    desired, whole = declared(), copy.deepcopy(played.answers)
    looks = 0
    for seed in range(SEEDS):
        chance = random.Random(f"{scenario} {seed}")
        played.answers = copy.deepcopy(whole)
        for _ in range(chance.choice((1, 3))):
            document = chance.choice([one for one in played.answers.values() if one])
            container, key = chance.choice([*places(document)])
            container[key] = chance.choice(VALUES)
        try:
            view = nomad.look(desired, None, prune=True)
            if scenario == "reverted":  # the others have no versions
                nomad.history("web")
            nomad.events("web")
        except EngineError as error:
            assert "\x1b" not in str(error), seed
            continue
        looks += 1
        lines = plan_text(change_document(view.changes, {}), columns=80)
        for one in view.statuses:
            lines += app_lines(status_of(one, {}, 0.0, 0.0), columns=80)
        assert not [line for line in lines if "\x1b" in line or "\u202e" in line], seed
    assert 0 < looks < SEEDS  # both happen
