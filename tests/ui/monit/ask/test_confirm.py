"""Nothing is changed before the edit was shown and confirmed."""

from __future__ import annotations

import pytest

from reconciler.api.errors import ControllerNotRunningError
from tests.cli.documents import app, status
from tests.ui.monit.drive import Driver, drive
from tests.ui.monit.fake import FORBIDDEN, FakeClient


def test_the_edit_is_shown_and_y_makes_it() -> None:
    async def work(user: Driver) -> None:
        await user.press("plus")
        await user.sees("Scale api?", "-  instances: 2   # for now", "+  instances: 3   # for now")
        assert user.client.actions == []
        await user.press("y")
        await user.sees("scale api: done")
        assert user.client.actions == [("scale", "api", {"instances": 3})]
        assert user.live.looks == 1

    drive(work)


@pytest.mark.parametrize("key", ["n", "escape", "enter", "q"])
def test_no_escape_and_enter_change_nothing(key: str) -> None:
    async def work(user: Driver) -> None:
        await user.press("minus")
        await user.sees("+  instances: 3")
        await user.press(key)
        await user.sees("api", gone="Scale api?")
        assert user.client.actions == []

    drive(work)


def test_buttons_are_for_the_mouse() -> None:
    async def work(user: Driver) -> None:
        await user.press("r")
        await user.sees("Restart api?", "No manifest is edited.")
        await user.pilot.click("#yes")
        await user.sees("restart api: done")

    drive(work)


def test_a_number_is_asked_for_until_it_is_one() -> None:
    async def work(user: Driver) -> None:
        await user.press("s")
        await user.sees("How many instances?")
        await user.press("backspace", "type:many", "enter")
        await user.sees("'many' is not a number of instances")
        await user.press(*["backspace"] * 4, "5", "enter")
        await user.sees("Scale api?")
        await user.press("y")
        await user.until(lambda: user.client.actions == [("scale", "api", {"instances": 5})])

    drive(work)


def test_undo_shows_the_revisions() -> None:
    async def work(user: Driver) -> None:
        await user.press("u")
        await user.sees("Which revision?", "7  good", "6  ProgressDeadlineExceeded")
        await user.press("enter")
        await user.sees("Undo api?")
        await user.press("y")
        await user.until(lambda: user.client.actions == [("undo", "api", {})])
        await user.press("u")
        await user.sees("Which revision?")
        await user.press("5", "enter")
        await user.sees("Undo api?")
        await user.press("y")
        await user.until(lambda: user.client.actions[-1] == ("undo", "api", {"revision": 5}))

    drive(work)


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (FORBIDDEN, "members of the group ops may only look"),
        (ControllerNotRunningError("no controller is running on /x"), "no controller is running"),
    ],
)
def test_a_refusal_is_shown_and_nothing_can_be_confirmed(refusal: Exception, sentence: str) -> None:
    client = FakeClient()
    client.refusal = refusal  # type: ignore[assignment]

    async def work(user: Driver) -> None:
        await user.press("z")
        await user.sees("Suspend api?", sentence, "Close")
        await user.press("y")
        await user.press("n")
        await user.sees("api", gone="Suspend api?")
        assert user.client.actions == []

    drive(work, client=client)


def test_each_key_asks_for_its_action() -> None:
    held = [
        {"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused", "message": ""}
    ]
    client = FakeClient()
    client.document = status(
        app("a", conditions=held),
        app("b", health="Suspended"),
        app("c", kind="Job", nextRun=None, runs=[], instances=[]),
    )

    async def work(user: Driver) -> None:
        for keys, action in (
            (("h",), ("unpause", "a", {})),
            (("down", "z"), ("resume", "b", {})),
            (("h",), ("pause", "b", {})),
            (("down", "r"), ("run-job", "c", {})),
        ):
            await user.press(*keys)
            await user.sees("No manifest is edited.")
            await user.press("y")
            await user.until(lambda wanted=action: user.client.actions[-1:] == [wanted])  # type: ignore[misc]
            await user.sees("Keys", gone="No manifest is edited.")

    drive(work, client=client)
