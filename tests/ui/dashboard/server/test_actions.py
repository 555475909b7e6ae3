"""Actions: shown first, done after a confirmation of exactly that edit."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.ui.dashboard.standin import Page, Standin, asked, page_of

EDIT = {
    "file": "/m/web.yaml",
    "line": 7,
    "diff": "--- a\n+++ b\n@@ -7 +7 @@\n-  instances: 2\n+  instances: 3\n # <b>x</b>\n",
}


def confirm(page: Page, path: str, **more: Any) -> dict[str, str]:
    """The hidden fields of the confirmation."""
    answer = asked(page.ask(path, **more))
    assert answer.status == 200, answer.text
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))


def test_the_edit_is_shown_and_nothing_is_done() -> None:
    controller = Standin(edits=[EDIT])
    with page_of(controller) as page:
        text = asked(page.ask("/apps/web/act/scale?instances=3")).text
    assert "/m/web.yaml:7" in text and '<div class="ins">+  instances: 3</div>' in text
    assert "&lt;b&gt;x" in text and "+++ b" not in text
    assert controller.done == []


def test_a_warning_stands_above_the_edit() -> None:
    controller = Standin(edits=[EDIT], warnings=["revision 2 was never <good>"])
    with page_of(controller) as page:
        text = asked(page.ask("/apps/web/act/undo?revision=2")).text
    assert text.index("revision 2 was never &lt;good&gt;") < text.index("/m/web.yaml:7")


def test_it_is_done_after_the_confirmation_and_told_on_the_next_page_once() -> None:
    controller = Standin(edits=[EDIT])
    with page_of(controller) as page:
        fields = confirm(page, "/apps/web/act/scale?instances=3")
        done = asked(page.ask("/apps/web/act/scale", method="POST", form=fields))
        assert done.status == 303 and done.headers["location"] == "/apps/web"
        assert controller.done == [("scale", "web", {"instances": 3})]
        assert "scale web</p>" in asked(page.ask("/apps/web")).text
        assert "scale web</p>" not in asked(page.ask("/apps/web")).text


def test_an_edit_that_is_another_by_then_is_shown_again_and_not_done() -> None:
    controller = Standin(edits=[EDIT])
    with page_of(controller) as page:
        fields = confirm(page, "/apps/web/act/scale?instances=3")
        controller.edits = [{**EDIT, "diff": "-  instances: 5\n+  instances: 3\n"}]
        answer = asked(page.ask("/apps/web/act/scale", method="POST", form=fields))
        assert answer.status == 409 and "has changed since" in answer.text
        assert "instances: 5" in answer.text and controller.done == []
        bare = asked(page.ask("/apps/web/act/restart", method="POST", form={}))
        assert bare.status == 409 and controller.done == []


def test_scaling_needs_a_number_first() -> None:
    controller = Standin(edits=[EDIT])
    with page_of(controller) as page:
        form = asked(page.ask("/apps/web/act/scale"))
        assert form.status == 200 and 'name="instances"' in form.text
        assert 'method="post" action="/apps/web/act/scale"' not in form.text
        for wrong in ("many", "-1", "1e3", "9999999", "²", "<b>"):
            answer = asked(page.ask(f"/apps/web/act/scale?instances={wrong}"))
            assert answer.status == 409 and "is not a number" in answer.text, wrong
            assert "<b>" not in answer.text.replace("<b>1", "")
        assert confirm(page, "/apps/web/act/scale?instances=max-1")["instances"] == "max-1"


@pytest.mark.parametrize(
    ("path", "done"),
    [
        ("/apps/web/act/undo?revision=2", ("undo", "web", {"revision": 2})),
        ("/apps/web/act/undo", ("undo", "web", {})),
        ("/apps/web/act/restart", ("restart", "web", {})),
        ("/apps/web/act/suspend", ("suspend", "web", {})),
        ("/apps/web/act/unpause", ("unpause", "web", {})),
        ("/apps/web/act/run-job", ("run-job", "web", {})),
        ("/act/confirm-prune", ("confirm-prune", None, {})),
        ("/act/confirm-load", ("confirm-load", None, {})),
    ],
)
def test_every_action_reaches_the_controller(path: str, done: object) -> None:
    controller = Standin()
    with page_of(controller) as page:
        fields = confirm(page, path)
        assert asked(page.ask(path.partition("?")[0], method="POST", form=fields)).status == 303
    assert controller.done == [done]


@pytest.mark.parametrize(
    "path", ["/apps/web/act/down", "/apps/web/act/confirm-prune", "/act/restart", "/act/down"]
)
def test_there_are_no_other_actions(path: str) -> None:
    controller = Standin()
    with page_of(controller) as page:
        assert asked(page.ask(path)).status == 404
        assert asked(page.ask(path, method="POST")).status == 404
    assert controller.done == []


def test_a_refusal_of_the_controller_is_told_in_place_of_the_button() -> None:
    controller = Standin(refusal="the rollout is paused; resume it first")
    with page_of(controller) as page:
        answer = asked(page.ask("/apps/web/act/restart"))
        assert answer.status == 409 and "resume it first" in answer.text
        assert 'method="post" action="/apps' not in answer.text


def test_the_dialog_gets_the_form_alone() -> None:
    with page_of() as page:
        part = asked(page.ask("/apps/web/act/restart", x_part="dialog")).text
    assert part.lstrip().startswith("<section") and "<html" not in part
