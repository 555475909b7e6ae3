"""The fenced blocks of a page, and the steps that a reader takes there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*) *(?P<rest>.*)$")
_TITLE = re.compile(r'title="([^"]+)"')
_NOT_RUN = re.compile(r"^\s*<!-- not run: (.+) -->$")


class Block(NamedTuple):
    """One of them."""

    line: int
    """Of its first line of text, from 1."""
    language: str
    title: str
    """The file that it is; empty where it is none."""
    text: str
    not_run: str
    """Why it is left out; empty where it is not."""


class Step(NamedTuple):
    """A file to write (``path`` is not empty) or a command to run."""

    line: int
    path: str
    text: str
    """Of the file; or the command."""
    printed: tuple[str, ...]
    """What the page says that the command prints; `...` stands for any lines."""


def blocks(page: str) -> Iterator[Block]:
    """All of a page, in its order."""
    lines = page.splitlines()
    number = 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        if fence is None:
            number += 1
            continue
        before = next((line for line in reversed(lines[:number]) if line.strip()), "")
        indent = fence["indent"]
        end = number + 1
        while end < len(lines) and lines[end] != f"{indent}```":
            end += 1
        text = [line.removeprefix(indent) for line in lines[number + 1 : end]]
        title = _TITLE.search(fence["rest"])
        skipped = _NOT_RUN.match(before)
        yield Block(
            number + 2,
            fence["language"],
            title[1] if title else "",
            "".join(f"{line}\n" for line in text),
            skipped[1] if skipped else "",
        )
        number = end + 1


def steps(page: str) -> Iterator[Step]:
    """What a reader does, in the order of the page."""
    for block in blocks(page):
        if block.not_run:
            continue
        if block.title:
            yield Step(block.line, block.title, block.text, ())
        elif block.language == "console":
            yield from _commands(block)


def _commands(block: Block) -> Iterator[Step]:
    lines = block.text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    assert starts[:1] == [0], f"line {block.line}: a console begins with a command"
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        part = lines[start:end]
        length = 1 + next(
            (n for n, line in enumerate(part[1:]) if not line.startswith("> ")), len(part) - 1
        )
        command = "\n".join(line[2:] for line in part[:length])
        yield Step(block.line + start, "", command, tuple(part[length:]))
