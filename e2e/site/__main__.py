"""`python -m e2e.site`: the site, in build/docs/site."""

from __future__ import annotations

import sys

from e2e.site.build import build
from e2e.site.stage import ROOT

if __name__ == "__main__":
    print(build(ROOT / "build/docs"))
    sys.exit(0)
