"""`$(NAME)` in a command, as in Kubernetes."""

from __future__ import annotations

from reconciler.model.words.expansion import expanded, references


def test_a_name_that_the_app_has_is_replaced_and_no_other() -> None:
    command = ("x", "--port=$(PORT)", "$(PORT)/$(A)", "$$(PORT)", "$(NONE)", "$PORT", "$(a b)")
    told = ("x", "--port=3000", "3000/$(PORT)", "$(PORT)", "$(NONE)", "$PORT", "$(a b)")
    assert expanded(command, {"PORT": "3000", "A": "$(PORT)"}) == told


def test_references_are_those_that_are_not_escaped() -> None:
    assert [*references(("x", "$(A)$(B)", "$$(C)"))] == [(1, "A"), (1, "B")]
