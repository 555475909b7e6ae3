"""docs/metrics.md has every metric, as it is."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.api.metrics.names import METRICS, samples_of

DOCS = Path(__file__).parents[3] / "docs"
_ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.*?) ?\| (.+) \|$", re.M)


def test_the_table_is_that_of_the_code() -> None:
    rows = [
        (name, type, tuple(re.findall(r"`(\w+)`", labels)), help)
        for name, type, labels, help in _ROW.findall((DOCS / "metrics.md").read_text())
    ]
    single = ("counter", "info", "gauge")
    assert rows == [
        (samples_of(name)[0] if metric.type in single else name, *metric)
        for name, metric in METRICS.items()
    ]
