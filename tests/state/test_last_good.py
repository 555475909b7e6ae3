"""A file that is wrong stands for what it declared when it was right, after a restart too."""

from __future__ import annotations

import pytest

from reconciler.model.state.desired import Desired, DesiredApp, Problem
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.revision import Revision
from reconciler.state.last_good import last_good

PROBLEM = Problem("/m/web.yaml", 6, 3, "spec.x", "unknown field")
MEMORY = AppMemory((Revision(1, "a.-", {"command": ["sleep", "1"], "cwd": "/"}),))


def kept(desired: Desired, source: str | None, memory: AppMemory = MEMORY) -> dict[str, object]:
    return dict(last_good(desired, {"web": memory}, {"web": source}, None))


def test_app_of_a_wrong_file_is_kept_with_the_problem() -> None:
    (app,) = last_good(
        Desired({}, (PROBLEM,)), {"web": MEMORY}, {"web": PROBLEM.file}, None
    ).values()
    assert app.problem == PROBLEM and app.spec.command == ("sleep", "1")


def test_app_whose_file_is_right_or_gone_or_unknown_is_not() -> None:
    assert not kept(Desired({}), PROBLEM.file)
    assert not kept(Desired({}, (PROBLEM,)), "/m/other.yaml")
    assert not kept(Desired({}, (PROBLEM,)), None)
    assert not kept(Desired({}, (PROBLEM,)), PROBLEM.file, AppMemory())


@pytest.mark.parametrize(
    "secrets",
    [
        {"envFrom": [{"file": "/m/gone"}]},
        {"env": {"A": {"secretFile": "/m/gone"}}},
        {"env": {"A": {"credential": "/m/gone"}}},
        {"env": {"A": {"fromEnv": "NOBODY_HAS_SET_THIS"}}},
    ],
)
def test_app_without_its_secrets_is_known_as_it_was_and_has_none(
    secrets: dict[str, object],
) -> None:
    spec = {"command": ["sleep", "1"], "cwd": "/", "instances": 3, **secrets}
    revision = Revision(1, "a.0123-abcdef", spec, {"A": "0123-abcdef"})
    (app,) = kept(Desired({}, (PROBLEM,)), PROBLEM.file, AppMemory((revision,))).values()
    assert isinstance(app, DesiredApp)
    assert app.secrets is None and app.problem == PROBLEM and app.spec.wanted == 3
    assert (app.hash, app.marks) == (revision.hash, revision.marks), "no other revision"
