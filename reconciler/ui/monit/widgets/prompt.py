"""The line at the bottom where a filter or a search is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label


class Prompt(Horizontal):
    """Hidden until it is opened. Enter keeps the text, Escape drops it."""

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; background: $surface; }
    Prompt Label { width: auto; padding: 0 0 0 1; text-style: bold; }
    Prompt Input { width: 1fr; }
    Prompt .hint { padding: 0 1; text-style: dim; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", "Cancel", priority=True),
    ]

    class Changed(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Kept(Changed):
        """Enter."""

    class Dropped(Message):
        """Escape."""

    def __init__(self, sign: str, example: str) -> None:
        super().__init__()
        self._sign, self._example = sign, example

    def compose(self) -> ComposeResult:
        yield Label(self._sign, markup=False)
        yield Input(placeholder=self._example, compact=True, select_on_focus=False)
        yield Label("", markup=False, classes="hint")

    def open(self, text: str = "") -> None:
        """Show it, and take the keys: at once, since the next may be on its way already."""
        self.display = True
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)
        self.screen.set_focus(field)

    def hint(self, text: str) -> None:
        """Say something of what is typed."""
        self.query_one(".hint", Label).update(text)

    def close(self) -> None:
        """Hide it."""
        self.hint("")
        self.display = False

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self.post_message(self.Changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()
        self.post_message(self.Kept(event.value))

    def action_drop(self) -> None:
        self.close()
        self.post_message(self.Dropped())
