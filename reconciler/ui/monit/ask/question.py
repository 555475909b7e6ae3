"""A small window that asks for one word: a number of instances, a revision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from reconciler.ui.monit.widgets.text import safe


class Question(ModalScreen[str | None]):
    """Answers with what was typed once it is valid; None where the question was dropped."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "drop", "Cancel", priority=True)]

    def __init__(
        self,
        title: str,
        value: str,
        check: Callable[[str], object],
        hints: Sequence[str] = (),
    ) -> None:
        """``check`` raises ValueError, a sentence, for what is not valid."""
        super().__init__()
        self._title, self._value, self._check, self._hints = title, value, check, hints

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Static(Text(safe(self._title), "bold"))
            yield Static(Text("\n".join(map(safe, self._hints))), classes="hints")
            yield Input(self._value, compact=True)
            yield Static("", classes="wrong", markup=False)
            yield Static(Text("enter go on   esc cancel", "dim"))

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self._check(event.value)
        except ValueError as error:
            self.query_one(".wrong", Static).update(safe(str(error)))
        else:
            self.dismiss(event.value)

    def action_drop(self) -> None:
        self.dismiss(None)
