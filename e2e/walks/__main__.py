"""`python -m e2e.walks PAGE…`: follow pages by hand; with `--write`, what the commands print here
replaces what a page says: read the difference before you commit it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from e2e.walks.blocks import Step
from e2e.walks.pages import reader


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.walks", description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    for page in given.pages:
        with reader() as walk:
            if given.write:
                bare = _without_outputs(page.read_text())
                page.write_text(_with_outputs(bare, [*walk.record(bare)]))
            else:
                print(f"{page}: {walk.follow(page.read_text())} commands")
    return 0


def _without_outputs(text: str) -> str:
    kept, console = [], False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            console = line.lstrip() == "```console"
        elif console and not line.lstrip().startswith(("$ ", "> ")):
            continue
        kept.append(line)
    return "".join(f"{line}\n" for line in kept)


def _with_outputs(text: str, notes: list[tuple[Step, str]]) -> str:
    lines = text.splitlines()
    for step, printed in reversed(notes):
        after = step.line - 1 + len(step.text.splitlines())
        lines[after:after] = printed.rstrip("\n").splitlines()
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
