from __future__ import annotations

import pytest

from reconciler.ui.monit.ask import actions
from tests.cli.documents import app


def test_a_job_is_run_and_an_app_restarted() -> None:
    assert actions.restart_of(app("web")).name == "restart"
    assert actions.restart_of(app("nightly", kind="Job")).name == "run-job"


def test_what_is_held_goes_on() -> None:
    held = [{"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused"}]
    assert actions.pause_of(app("web")).name == "pause"
    assert actions.pause_of(app("web", conditions=held)).name == "unpause"
    assert actions.suspend_of(app("web", health="Suspended")).name == "resume"
    names = [action.name for action in actions.actions_of(app("x", kind="Job"))]
    assert names == ["run-job", "suspend", "undo"]


@pytest.mark.parametrize(("text", "found"), [("3", 3), (" 0 ", 0), ("max-1", "max-1")])
def test_a_number_of_instances(text: str, found: int | str) -> None:
    assert actions.instances(text) == found


@pytest.mark.parametrize("text", ["", "-1", "3.5", "٣", "three", "999999999999", "max-2"])
def test_what_is_no_number_of_instances(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number of instances; write"):
        actions.instances(text)


def test_a_revision_may_be_left_out() -> None:
    assert actions.revision(" ") is None
    assert actions.revision("7") == 7
    for text in ("0", "-1", "x", "٣", "9" * 30):
        with pytest.raises(ValueError, match="is not the number of a revision"):
            actions.revision(text)
