"""`python -m e2e.reliability [FOLDER]`: docs/reliability.md, from the results in that folder."""

from __future__ import annotations

import sys
from pathlib import Path

from e2e.bench import machine
from e2e.reliability.page import page
from e2e.reliability.results import ROOT, commit, folder, read

PAGE = ROOT / "docs/reliability.md"


def main(words: list[str]) -> int:
    home = Path(words[0]) if words else folder()
    if home is None:
        print("name a folder of results, or set RECON_RESULTS", file=sys.stderr)
        return 64
    parts = read(home)
    if not parts:
        print(f"{home} has no results", file=sys.stderr)
        return 1
    before = PAGE.read_text() if PAGE.exists() else ""
    PAGE.write_text(page(parts, machine.describe(ROOT), commit(), before))
    failed = [
        f"{p.name}: {row.case}" for p in parts.values() for row in p.rows if row.result == "failed"
    ]
    print(
        f"{PAGE.relative_to(ROOT)}: {', '.join(parts)}; {len(failed)} failed", *failed, sep="\n  "
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
