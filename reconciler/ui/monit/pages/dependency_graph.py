"""The graph of `dependsOn`, drawn as trees of text: an app, and below it what it needs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.render.terminal import paint

Document = Mapping[str, Any]
_COLOURS = {"Healthy": "green", "Progressing": "yellow", "Degraded": "red", "Missing": "red"}
_LINES = {True: ("├─ ", "└─ ", "│  "), False: ("|- ", "`- ", "|  ")}
_READY = "Ready"
"""The condition that is meant where none is named."""


class Graph:
    """What each app needs, and what needs it."""

    def __init__(self, apps: Iterable[Document], *, blocks: bool, colour: bool = True) -> None:
        """``blocks``: lines are drawn with Unicode, else with ASCII."""
        self._apps = {app["name"]: app for app in apps}
        self._needs = {
            name: [(need["app"], need["condition"]) for need in app.get("dependsOn", ())]
            for name, app in self._apps.items()
        }
        self._needed_by: dict[str, list[tuple[str, str]]] = {}
        for name, needs in self._needs.items():
            for needed, condition in needs:
                self._needed_by.setdefault(needed, []).append((name, condition))
        self._lines = _LINES[blocks]
        self._colour = colour

    def all(self) -> list[str]:
        """Every app that needs another, or is needed; then the names of the others."""
        tops = [name for name in self._needs if self._needs[name] and name not in self._needed_by]
        drawn: set[str] = set()
        lines: list[str] = []
        for top in tops:
            lines += [*self._tree(top, self._needs, drawn), ""]
        for name in self._needs:  # those of a circle have no top
            if self._needs[name] and name not in drawn:
                lines += [*self._tree(name, self._needs, drawn), ""]
        single = [name for name in self._apps if name not in drawn]
        if single:
            lines += [self._paint("Need nothing, and nothing needs them:", "bold")]
            lines += [f"  {self._node(name)}" for name in single]
        return lines or ["No apps are declared."]

    def around(self, name: str) -> list[str]:
        """What one app needs, and what needs it."""
        lines = [self._paint("Needs", "bold"), *self._tree(name, self._needs, set())]
        if not self._needs.get(name):
            lines = [self._paint("Needs nothing", "bold"), self._node(name)]
        lines.append("")
        if name not in self._needed_by:
            return [*lines, self._paint("Nothing needs it", "bold")]
        return [
            *lines,
            self._paint("Is needed by", "bold"),
            *self._tree(name, self._needed_by, set()),
        ]

    def _tree(
        self, top: str, edges: Mapping[str, Sequence[tuple[str, str]]], drawn: set[str]
    ) -> Iterator[str]:
        """The lines of one tree; what is drawn above is not drawn again. No recursion: a chain of
        apps may be as long as there are apps."""
        stack = [(top, "", "", "")]
        while stack:
            name, condition, lead, indent = stack.pop()
            below = edges.get(name, ())
            again = name in drawn and bool(below)
            drawn.add(name)
            suffix = f" ({condition})" if condition not in ("", _READY) else ""
            above = self._paint("  see above", "dim") if again else ""
            yield f"{lead}{self._node(name)}{suffix}{above}"
            if again:
                continue
            branch, last, line = self._lines
            for number, (other, word) in reversed([*enumerate(below)]):
                is_last = number == len(below) - 1
                mark, more = (last, "   ") if is_last else (branch, line)
                stack.append((other, word, indent + mark, indent + more))

    def _node(self, name: str) -> str:
        app = self._apps.get(name)
        if app is None:
            return f"{name}  {self._paint('not declared', 'red')}"
        health = self._paint(app["health"], _COLOURS.get(app["health"], ""))
        return f"{self._paint(name, 'bold')}  {health} {app['ready']}/{app['desired']}"

    def _paint(self, text: str, colour: str) -> str:
        return paint(text, colour, on=self._colour and bool(colour))
