"""`python -m e2e.bench [ROW…] [--quick] [--write]`: rows, the table, bench.json, documents."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from e2e.bench import (
    adoption,
    crash,
    crm,
    document,
    dryrun,
    edit,
    growth,
    idle,
    logs,
    looking,
    machine,
    oxmgr,
    rolls,
    sampling,
    startup,
    status,
)
from e2e.bench.figures import Line, Report
from e2e.bench.install import install, peers
from e2e.bench.program import build
from e2e.bench.stage import Stage
from e2e.bench.table import table

_ROWS = {
    "crash": crash.measure,
    "startup": startup.measure,
    "adoption": adoption.measure,
    "edit": edit.measure,
    "logs": logs.measure,
    "idle": idle.measure,
    "looking": looking.measure,
    "sampling": sampling.measure,
    "status": status.measure,
    "dry-run": dryrun.measure,
    "rolls": rolls.measure,
    "oxmgr": oxmgr.measure,
    "growth": growth.measure,
    "crm": crm.measure,
}
_JSON = Path("bench.json")


def main() -> int:
    wanted = _arguments()
    if wanted.write_only:
        document.write(document.read(_JSON))
        return 0
    # /proc/PID of others is read, and some 3,000 processes started: best where nobody else works.
    home = Path(tempfile.mkdtemp(prefix="recon-bench-"))
    try:
        with peers(home):
            failed = _run(wanted.rows or [*_ROWS], home, quick=wanted.quick)
        if wanted.write:
            document.write(document.read(_JSON))
        return failed
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m e2e.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(_ROWS)}")
    parser.add_argument("--quick", action="store_true", help="few samples, to see that it works")
    parser.add_argument(
        "--write", action="store_true", help="then write README.md's table and docs/performance.md"
    )
    parser.add_argument(
        "--write-only", action="store_true", help="measure nothing: write both from bench.json"
    )
    wanted = parser.parse_args()
    unknown = [row for row in wanted.rows if row not in _ROWS]
    if wanted.write and wanted.rows:
        parser.error("--write is for all rows: the documents would lose the others")
    if unknown:
        parser.error(f"{unknown[0]} is no row; there are {', '.join(_ROWS)}")
    return wanted


def _run(rows: list[str], home: Path, *, quick: bool) -> int:
    host = machine.describe(home)
    program = build(home)
    stage = Stage(home, home, program, quick)
    stage.say("installing recon for the benchmark")
    stage.recon = install(home)
    results: dict[str, Any] = {}
    lines: list[tuple[str, Line]] = []
    failed = 0
    for row in rows:
        began, load = time.monotonic(), machine.load()
        try:
            report = _ROWS[row](stage)
        except Exception as error:
            traceback.print_exc()
            # One row's trouble is told in its place; the others are measured all the same.
            report, failed = Report([Line(row, f"failed: {error}"[:200])]), 1
        lines += [(row, line) for line in report.lines]
        took = round(time.monotonic() - began, 1)
        results[row] = {"seconds": took, "loadBefore": load, "samples": report.raw}
        stage.say(f"{row}: done in {took} s")
        _keep(host, program.told, quick, lines, results)
    stage.say("")
    print("\n".join(table(line for _, line in lines)))
    print("\n".join(_foot(host, program.told, quick)))
    return failed


def _keep(
    host: dict[str, Any],
    program: str,
    quick: bool,
    lines: list[tuple[str, Line]],
    rows: dict[str, Any],
) -> None:
    """After each row: a run that is ended early leaves what it has."""
    found = {"formatVersion": 1, "machine": host, "program": program, "quick": quick}
    found |= {"lines": [{"row": row, **_plain(line)} for row, line in lines], "rows": rows}
    _JSON.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def _plain(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in ("what", "recon", "peers", "target", "met")}


def _foot(host: dict[str, Any], program: str, quick: bool) -> list[str]:
    load = ", ".join(map(str, (host["load"][0], machine.load()[0])))
    told = [
        "",
        f"Medians. {host['cores']} cores ({host['processor']}), Linux {host['kernel']},",
        f"Python {host['python']}, files on {host['filesystem']}; load before and after: {load}.",
        f"Supervised is {program}; recon is installed by pip, compiled.",
        f"Samples are in {os.fspath(_JSON)}.",
    ]
    return [*told, "A quick run: not to be quoted."] if quick else told


if __name__ == "__main__":
    sys.exit(main())
