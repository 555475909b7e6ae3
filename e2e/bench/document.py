"""README's table and docs/performance.md, written from bench.json: no figure is typed by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from e2e.bench import oxmgr
from e2e.bench.figures import ms
from e2e.bench.plot import Points, plot

ROOT = Path(__file__).parents[2]
_BEGIN, _END = "<!-- make bench writes this -->", "<!-- until here -->"
_PICTURES = "docs/pictures"


def write(found: dict[str, Any], root: Path = ROOT) -> None:
    """Both documents, and the plots of the second."""
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"README.md has no {_BEGIN} with a {_END}")
    new = "\n".join([*_table(found["lines"]), "", *_foot(found)])
    readme.write_text(f"{before}{_BEGIN}\n\n{new}\n\n{_END}{after}", encoding="utf-8")
    for name, picture in _pictures(found["rows"]).items():
        (root / _PICTURES / f"growth-{name}.svg").write_text(picture, encoding="utf-8")
    page = "\n".join(_page(found)) + "\n"
    (root / "docs/performance.md").write_text(page, encoding="utf-8")


def _table(lines: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield "| | recon | peers, same run | target |"
    yield "| --- | --- | --- | --- |"
    for line in lines:
        if line["row"] == "growth":  # has plots and tables of its own
            continue
        target = line["target"]
        if line["met"] is False:
            target = f"**{target}: missed**"
        cells = (line["what"], line["recon"], ", ".join(line["peers"]), target)
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _foot(found: dict[str, Any]) -> Iterator[str]:
    host = found["machine"]
    yield (
        f"Medians of one run, {host['at'][:10]}, on {host['cores']} cores ({host['processor']}),"
    )
    yield f"Linux {host['kernel']}, Python {host['python']}, {host['filesystem']}."
    versions = ", ".join(f"{name} {version}" for name, version in host["peers"].items())
    if versions:
        yield f"Peers: {versions}."
    yield f"Supervised is {found['program']}. Rows that miss their target stay in the table."
    if found["quick"]:
        yield "A quick run with few samples: not to be quoted."


def _page(found: dict[str, Any]) -> Iterator[str]:
    rows = found["rows"]
    yield "# Performance"
    yield ""
    yield "`make bench` measures this and writes this page, with the table in the README. All peers"
    yield "of a row run in the same minutes on the same machine. Times are wall time, medians."
    yield ""
    yield from _foot(found)
    yield ""
    yield "## Growth"
    yield ""
    if "instances" in rows.get("growth", {}).get("samples", {}):
        yield from _growth(rows["growth"]["samples"])
    else:
        yield "Not measured in this run: `python -m e2e.bench growth`."
        yield ""
    yield "## The published method of OxMgr"
    yield ""
    yield from _oxmgr(rows.get("oxmgr", {}).get("samples", {}))
    yield "## All rows"
    yield ""
    yield from _table(found["lines"])
    yield ""
    yield "| row | seconds it took | load average before |"
    yield "| --- | --- | --- |"
    for name, row in rows.items():
        yield f"| {name} | {row['seconds']:.0f} | {row['loadBefore'][0]} |"


def _growth(found: dict[str, Any]) -> Iterator[str]:
    yield "![How long things take, by instances](pictures/growth-instances.svg)"
    yield ""
    yield "| instances of one app | up from nothing | `recon status` | idle, of a core | resident |"
    yield "| --- | --- | --- | --- | --- |"
    for point in found["instances"]:
        yield (
            f"| {point['count']:,} | {ms(point['start'])} | {ms(point['status'])} "
            f"| {point['idle']:.2f} % | {point['rss']:.1f} MiB |"
        )
    yield ""
    yield "![What the controller costs, by instances](pictures/growth-costs.svg)"
    yield ""
    yield "![How long things take, by manifests](pictures/growth-manifests.svg)"
    yield ""
    yield "Of the manifests all but one are suspended: what is measured is reading and deciding."
    yield "*First load* is from the start of a controller to the first instruction of that one."
    yield ""
    yield "| manifests | `recon validate` | `apply --dry-run`, no controller | first load |"
    yield "| --- | --- | --- | --- |"
    for point in found["manifests"]:
        cells = (ms(point["validate"]), ms(point["dryRun"]), ms(point["load"]))
        yield f"| {point['count']:,} | {' | '.join(cells)} |"
    yield ""


def _oxmgr(found: dict[str, Any]) -> Iterator[str]:
    yield "The same measurements for recon and PM2 on this machine. The last two columns are what"
    yield f"the OxMgr project publishes of its own machine ([benchmark.json]({oxmgr.SOURCE}),"
    yield f"{oxmgr.DATE}). Columns of different machines cannot be compared, pairs of one can."
    yield ""
    yield "| | recon | PM2 | OxMgr, published | PM2, published there |"
    yield "| --- | --- | --- | --- | --- |"
    for what, title in oxmgr.TITLES.items():
        here = [
            oxmgr.shown(what, found[name][what]["median"]) if name in found else "not measured"
            for name in ("recon", "PM2")
        ]
        there = [oxmgr.shown(what, oxmgr.PUBLISHED[what][name]) for name in ("OxMgr", "PM2")]
        yield f"| {' | '.join([title, *here, *there])} |"
    yield ""


def _pictures(rows: dict[str, Any]) -> dict[str, str]:
    found = rows.get("growth", {}).get("samples", {})
    if "instances" not in found:
        return {}

    def points(kind: str, name: str) -> Points:
        return [(point["count"], max(point[name], 0.001)) for point in found[kind]]

    return {
        "instances": plot(
            "Instances of one app: time",
            "instances",
            {"up": points("instances", "start"), "status": points("instances", "status")},
            _seconds,
        ),
        "costs": plot(
            "Cost of the controller",
            "instances",
            {
                "MiB resident": points("instances", "rss"),
                "% of a core": points("instances", "idle"),
            },
            lambda value: f"{value:.2g}" if value < 10 else f"{value:.0f}",
        ),
        "manifests": plot(
            "Manifests: time",
            "manifests",
            {
                "validate": points("manifests", "validate"),
                "dry run": points("manifests", "dryRun"),
                "first load": points("manifests", "load"),
            },
            _seconds,
        ),
    }


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
