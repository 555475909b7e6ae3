"""What `recon export` does for every engine: files, secrets apart, and a report."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from reconciler.cli.boot import unit
from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import ERROR, OK, usage
from reconciler.cli.framework.options import one_of
from reconciler.cli.framework.output import print_json
from reconciler.cli.verbs.declare.exporting import (
    FORMAT_VERSION,
    notes_document,
    report_lines,
    sentence,
)
from reconciler.convert.engines.draft import Exported, Refusal
from reconciler.model.state.desired import Problem
from reconciler.render.formats import place

_MODE, _MODE_OF_SECRETS = 0o644, 0o600

OutputDir = Annotated[
    str | None,
    Option("--output", "-o", metavar="DIR", help="Write files here, not to the terminal."),
]
Secrets = Annotated[
    bool,
    Option("--secrets", help="Also write values of secrets, into files of their own (mode 0600)."),
]
Report = Annotated[str, Option("--report", metavar="text|json", help="Form of the report.")]


def check(report: str, *, secrets: bool, output: str | None) -> None:
    """UsageError for options that do not go together: no secret is printed."""
    one_of("--report", report, ("text", "json"))
    if secrets and output is None:
        raise usage("--secrets needs -o DIR: recon prints no value of a secret")


def finish(
    made: Exported,
    everywhere: Sequence[str],
    problems: list[str],
    *,
    output: str | None,
    report: str,
    mark: str,
    next_step: str,
) -> int:
    """Write or print the files, then the report. The exit code."""
    folder = Path(output) if output is not None else None
    written = [*_write(made, folder, mark)] if folder is not None else []
    problems = [*problems, *map(_refusal, made.refused)]
    if report == "json":
        document = {
            "formatVersion": FORMAT_VERSION,
            "notes": notes_document(made.notes),
            "general": list(everywhere),
            "written": written,
            "problems": problems,
        }
        print_json(document if folder is not None else {**document, "files": dict(made.files)})
        return ERROR if problems else OK
    for text in made.files.values() if folder is None else ():
        print(f"---\n{text}" if len(made.files) > 1 else text, end="")
    out = sys.stdout if folder is not None else sys.stderr
    for file in written:
        print(f"wrote {place(file)}", file=out)
    for line in report_lines(made.notes, everywhere, problems):
        print(line, file=out)
    if folder is not None and written:
        print(f"Next: {next_step.format(place(str(folder)))}", file=out)
    return ERROR if problems else OK


def _write(made: Exported, folder: Path, mark: str) -> Iterator[str]:
    for files, mode in ((made.files, _MODE), (made.secrets, _MODE_OF_SECRETS)):
        for name, text in files.items():
            unit.write(folder / name, text, mode, mark=mark)
            yield str(folder / name)


def _refusal(one: Refusal) -> str:
    return sentence(
        Problem(one.file, one.line, 1, f"spec.{one.path}", one.message, remedy=one.remedy)
    )
