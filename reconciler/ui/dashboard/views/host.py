"""The host: recon's checks of it, and what it lets recon do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from reconciler.api.errors import ClientError
from reconciler.render.formats import size
from reconciler.ui.dashboard.views.pieces import Pieces
from reconciler.ui.dashboard.views.templates import render

_ORDER = ("problem", "error", "warning", "ok")
Document = Mapping[str, Any]


class Source(Protocol):
    """The part of the controller that is asked."""

    def host(self) -> dict[str, Any]: ...


def host_page(controller: Source, findings: Sequence[Document] | None) -> Pieces:
    """The piece of the page of the host. ``findings`` of `recon doctor`; None where unknown."""
    problem, facts = "", {}
    try:
        facts = controller.host()
    except ClientError as error:
        problem = str(error)
    values = {"facts": [*_facts(facts)] if facts else [], "problem": problem}
    return Pieces({"host": render("host_facts.html", findings=_sorted(findings), **values)})


def _sorted(findings: Sequence[Document] | None) -> list[Document] | None:
    """The worst first."""
    if findings is None:
        return None
    return sorted(
        findings, key=lambda one: _ORDER.index(one["level"]) if one["level"] in _ORDER else 0
    )


def _facts(facts: Document) -> Iterator[tuple[str, str]]:
    user = "root" if facts["uid"] == 0 else f"uid {facts['uid']}"
    yield "runs as", user
    yield "processors", f"{facts['cores']}"
    if facts.get("memory"):
        yield "memory", size(facts["memory"])
    if facts.get("most_processes"):
        yield "most processes", f"{facts['most_processes']:,}"
    for name, (soft, hard) in facts.get("rlimits", {}).items():
        yield f"limit of {name}", f"{_limit(soft)} (at most {_limit(hard)})"
    cgroups = facts.get("cgroups") or {}
    yield "cgroup v2 controllers", ", ".join(cgroups.get("controllers", [])) or "none"
    for name, (reason, remedy) in cgroups.get("missing", {}).items():
        yield f"no {name} controller", f"{reason}; {remedy}"


def _limit(value: int) -> str:
    return "unlimited" if value < 0 else f"{value:,}"
