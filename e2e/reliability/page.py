"""The text of `docs/reliability.md`, from results alone: a part without a new result keeps the
chapter that it had, and has none where it never had a result."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

from e2e.reliability.chapters import CHAPTERS, Chapter
from e2e.reliability.results import Part
from e2e.reliability.tables import counts, tables

_PROMISES = """# Reliability

<!-- Written by `python -m e2e.reliability` from the results of a run. Do not edit it. -->

This page says what recon was put through, and what came of it. Its tables come from the runs that
they name.

## What recon promises

1. **What is declared runs, in that number.** Never two processes of one instance number beyond the
   surge of a rollout, never fewer than the rollout's floor.
2. **Nothing runs that is not declared.** After a stop, a removal or `recon down` no process of the
   app is left, whatever the program forked.
3. **recon itself may be killed at any instruction.** The next controller continues; no process ends
   and no line is lost or doubled by that.
4. **A Job without a schedule runs once** for each version of its manifest.
5. **Nothing is stopped without a reason.** What recon cannot read, it does not take for removed.
6. **A fault of the host costs what depends on it, and no more.** Apps keep running, the status
   names the fault, and when it is over all is as declared without a restart of recon.
7. **What is shown is what happened**: the exit code or the signal, the cause, the place."""

_LIMITS = """## What is not covered

- The loss of power: what the disk did not keep is tested only as a damaged, old or removed journal.
- A step of the wall clock on a real machine: it would reach every program there. The simulator
  steps its clock, and the matrix that of a controller alone.
- A disk of this host that does not answer, with the logs or the state directory: the controller
  waits, and so does every app. (A network file system holds up only the apps that log there.)
- A path on a network file system for which two processes ask while it does not answer: the kernel
  lets the second end only when it answers. So `recon doctor` may not return, and a controller that
  reads an edited manifest of such an app may end late.
- A file system that does not answer from its start, and is mounted over a log in the moment in
  which a line is written: the controller waits until it is taken away.
- Kernels older than the one below, except where a test pretends that a system call is missing.
- Faults of hardware, and of the kernel itself.
- Programs that run as root and act against recon on purpose. [security.md](security.md) says what
  programs of other users cannot do.
- A child that leaves its session, its environment, its output and its cgroup on purpose, on a host
  without cgroup v2 that recon may write to, if it also resets its resource limits."""


def page(
    parts: Mapping[str, Part], machine: Mapping[str, Any], commit: str, before: str = ""
) -> str:
    """The whole page; ``before`` is the page of an earlier run."""
    kept = {one.part: _earlier(one, before) for one in CHAPTERS if one.part not in parts}
    chapters = [one for one in CHAPTERS if one.part in parts or kept[one.part]]
    blocks = [_PROMISES, _summary(chapters, parts, before)]
    blocks += [
        _chapter(one, parts[one.part]) if one.part in parts else kept[one.part] for one in chapters
    ]
    blocks += [_LIMITS, _machine(machine, commit), ""]
    return "\n\n".join(blocks)


def _earlier(chapter: Chapter, before: str) -> str:
    """Its chapter in an earlier page; empty where there is none."""
    blocks = re.split(r"^(?=## )", before, flags=re.MULTILINE)
    return next((one.rstrip() for one in blocks if one.startswith(f"## {chapter.title}\n")), "")


def _summary(chapters: list[Chapter], parts: Mapping[str, Part], before: str) -> str:
    lines = ["## What was tested", "", "| part | cases | repeat it | run |", "|" + " --- |" * 4]
    for one in chapters:
        link = f"[{one.title}](#{one.title.lower().replace(' ', '-')})"
        if one.part not in parts:
            lines += [line for line in before.splitlines() if line.startswith(f"| {link} |")]
            continue
        part = parts[one.part]
        made = f"{part.date} UTC, {_commit(part.commit)}" if part.commit else f"{part.date} UTC"
        lines.append(f"| {link} | {counts(part.rows) or '–'} | `{one.repeat}` | {made} |")
    return "\n".join(lines)


def _chapter(chapter: Chapter, part: Part) -> str:
    lines = [f"## {chapter.title}", "", _filled(chapter.text), ""]
    plain = {name: value for name, value in part.figures.items() if not isinstance(value, dict)}
    if plain:
        shown = [f"{_spaced(name)} {_number(value)}" for name, value in plain.items()]
        lines += [_filled("; ".join(shown) + "."), ""]
    for name, value in part.figures.items():
        if isinstance(value, dict):
            inner = [f"{_spaced(key)} {_number(one)}" for key, one in value.items()]
            lines += [_filled(f"{_spaced(name).capitalize()}: {'; '.join(inner)}."), ""]
    return "\n".join([*lines, *tables(part)]).rstrip()


def _machine(machine: Mapping[str, Any], commit: str) -> str:
    text = (
        f"{machine['cores']} cores ({machine['processor']}), {machine['memoryMiB']:,} MiB, "
        f"Linux {machine['kernel']}, Python {machine['python']}, files on "
        f"{machine['filesystem']}. The page was written at "
        f"{machine['at'][:16].replace('T', ' ')} UTC from {_commit(commit)}. Other programs used "
        "the machine at the same time. A commit with a + had edits that were not committed."
    )
    return f"## The machine\n\n{_filled(text)}"


def _filled(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _commit(commit: str) -> str:
    return f"commit `{commit}`" if commit else "no commit"


def _spaced(name: str) -> str:
    """A key of JSON as words: `linesLost` and `lines_lost` are *lines lost*."""
    split = "".join(f" {c.lower()}" if c.isupper() else c for c in name)
    return split.replace("_", " ").strip()


def _number(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
