"""The question before anything is changed: it shows the edit of the manifest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from reconciler.api.errors import ClientError
from reconciler.render.formats import local, place
from reconciler.render.terminal import paint
from reconciler.ui.monit.ask.actions import Action
from reconciler.ui.monit.feed.background import answer
from reconciler.ui.monit.widgets.text import safe
from reconciler.ui.monit.widgets.textview import TextView

if TYPE_CHECKING:
    from reconciler.ui.monit.monitor import Monitor

Document = Mapping[str, Any]


class Confirm(ModalScreen[str | None]):
    """Answers with the sentence of what was done; None where nothing was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "Yes"),
        Binding("n,escape,q", "drop", "No"),
        Binding("left,right,tab", "other", "Other button", show=False),
    ]

    def __init__(self, action: Action, app: str, parameters: Mapping[str, Any]) -> None:
        super().__init__()
        self._action, self._app, self._parameters = action, app, parameters
        self._ready = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="window wide"):
            yield Static(Text(f"{self._action.title} {safe(self._app)}?", "bold"))
            yield Static("asking the controller …", classes="sentence", markup=False)
            yield TextView()
            with Horizontal(classes="buttons"):
                yield Button("No  n", id="no", compact=True)
                yield Button("Yes  y", id="yes", compact=True, disabled=True)

    def on_mount(self) -> None:
        self.query_one(TextView).can_focus = False
        self.query_one("#no", Button).focus()
        self.run_worker(self._ask())

    async def _ask(self) -> None:
        """Have the controller say what it would do."""
        found = await self._request(dry_run=True)
        if found is None:
            return
        self._say(found["message"] or self._action.help)
        texts = [*found.get("warnings", ()), *found.get("notes", ())]
        lines = [*map(safe, map(local, texts)), *edit_lines(found["edits"])]
        if not found["edits"]:
            lines.append("No manifest is edited.")
        self.query_one(TextView).show(lines)
        self._ready = True
        self.query_one("#yes", Button).disabled = False

    async def _do(self) -> None:
        self._ready = False
        self.query_one("#yes", Button).disabled = True
        self._say("…")
        found = await self._request(dry_run=False)
        if found is not None:
            self.dismiss(str(found["message"] or "done"))

    async def _request(self, *, dry_run: bool) -> Document | None:
        """The answer; None where it is a refusal, which is shown."""
        client = cast("Monitor", self.app).client
        act = client.act
        try:
            return await answer(
                lambda: act(self._action.name, self._app, dry_run=dry_run, **self._parameters),
                self._action.name,
            )
        except ClientError as error:
            self._say(str(error))
            self.query_one("#yes", Button).display = False
            self.query_one("#no", Button).label = "Close  n"
            self.add_class("refused")
            return None

    def _say(self, sentence: str) -> None:
        self.query_one(".sentence", Static).update(safe(local(sentence)))

    # -- keys ----------------------------------------------------------------------------------

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self.action_confirm()
        else:
            self.action_drop()

    def action_confirm(self) -> None:
        if self._ready:
            self.run_worker(self._do())

    def action_drop(self) -> None:
        self.dismiss(None)

    def action_other(self) -> None:
        self.focus_next(Button)


def edit_lines(edits: list[Document]) -> Iterator[str]:
    """The edits as coloured diffs, each below the place of its file."""
    for edit in edits:
        line = f":{edit['line']}" if edit.get("line") else ""
        yield paint(f"{safe(place(edit['file']))}{line}", "bold", on=True)
        for text in edit["diff"].splitlines():
            if not text.startswith(("---", "+++")):
                yield paint(safe(text), _colour(text), on=True)


def _colour(text: str) -> str:
    return {"+": "green", "-": "red", "@": "cyan"}.get(text[:1], "dim")
