"""What a run came to, for ``docs/reliability.md``: where ``RECON_RESULTS`` names a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path


def write(part: str, figures: Mapping[str, object], rows: Sequence[Mapping[str, str]]) -> None:
    folder = os.environ.get("RECON_RESULTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        whole = {"part": part, "figures": figures, "rows": rows}
        (Path(folder) / f"{part}.json").write_text(json.dumps(whole, indent=2) + "\n", "utf-8")
