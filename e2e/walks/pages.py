"""The pages that are followed, and the place where that is done."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.harness import PROGRAM, Recon
from e2e.walks import shell
from e2e.walks.walk import Walk

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.stem for path in (ROOT / "docs").glob("*.md") if "```console" in path.read_text()
)
_NEEDS = re.compile(r"^<!-- needs: (.+) -->$", re.M)


def lacking(text: str) -> str:
    """Why nobody can follow a page here; empty where one can."""
    programs = [name for words in _NEEDS.findall(text) for name in words.split(", ")]
    missing = [name for name in programs if not shutil.which(name)]
    return f"there is no {missing[0]} here" if missing else shell.lacking()


@contextmanager
def reader() -> Iterator[Walk]:
    """A reader in a home of its own; nothing that a page starts outlives this."""
    with tempfile.TemporaryDirectory(prefix="recon-walk-") as folder:
        recon = Recon(Path(folder))
        recon.manifests.rmdir()
        environment = {k: v for k, v in recon.environment.items() if k != "RECON_MANIFESTS"}
        environment |= {
            "PATH": f"{PROGRAM.parent}:{environment['PATH']}",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "LC_ALL": "C.UTF-8",
        }
        walk = Walk(Path(folder), environment)
        try:
            yield walk
        finally:
            walk.close()
            recon.close()
