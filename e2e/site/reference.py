"""The pages that are made from the code: every field, every command."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.cli.manual.page import Page, pages
from reconciler.render.fieldhelp import facts_of, names_below

_KINDS = ("App", "Job", "Settings")


def fields() -> str:
    """A table for each part of a manifest, as `recon explain` has it."""
    lines = ["# All fields", "", "`recon explain FIELD` prints the same.", ""]
    for kind in _KINDS:
        lines += [f"## {kind}", ""]
        for top in ("metadata", "spec"):
            lines += _part(f"{kind}.{top}")
    return "\n".join(lines)


def _part(path: str) -> Iterator[str]:
    """The fields below a path, then those below each of them."""
    below = names_below(path)
    if not below:
        return
    heading = "| field | type | default | |", "| --- | --- | --- | --- |"
    yield from (f"### {path.replace('.', ': ', 1)}", "", *heading)
    for name, _ in below:
        facts = facts_of(f"{path}.{name}")
        about = f"{facts.about}. " if facts.about else ""
        effect = f"*{facts.effect}*" if facts.effect else ""
        row = (f"`{name}`", facts.type, facts.default, about + effect)
        yield f"| {' | '.join(map(_cell, row))} |"
    yield ""
    for name, _ in below:
        if name != "profiles":  # which has all of this once more
            key = ".NAME" if facts_of(f"{path}.{name}").is_map else ""
            yield from _part(f"{path}.{name}{key}")


def commands() -> str:
    """What `recon man` shows, of all verbs."""
    lines = ["# All commands", "", "`recon man VERB` shows the same as a manual page.", ""]
    for page in pages():
        lines += _command(page)
    return "\n".join(lines)


def _command(page: Page) -> Iterator[str]:
    yield from (f"## {' '.join(['recon', page.path]).strip()}", "")
    yield from ("```", f"recon {page.path} {page.synopsis}".replace("  ", " "), "```", "")
    for paragraph in page.paragraphs:
        yield from (_text(paragraph), "")
    for title, rows in page.verbs:
        yield from _table(title, [(f"`{name}`", text) for name, text in rows])
    yield from _table("option", [(f"`{name}`", text) for name, text in page.options])
    yield from _table("exit code", [*page.exits])
    for example in page.examples:
        yield from (f"{_text(example.about)}:", "", "```", example.command, "```", "")


def _table(title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield from (f"| {title} | |", "| --- | --- |")
        yield from (f"| {_cell(left)} | {_cell(right)} |" for left, right in rows)
        yield ""


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|").replace("\n", " ")


def _text(text: str) -> str:
    return text.replace("<", "&lt;")
