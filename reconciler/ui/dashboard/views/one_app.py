"""One app: what runs of which revision, why it is as it is, what it used, what happened."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from reconciler.render.events import actor_of
from reconciler.render.plan import is_shown, shown_value
from reconciler.ui.dashboard.views.charts import charts_of
from reconciler.ui.dashboard.views.event_rows import events_in
from reconciler.ui.dashboard.views.pieces import Pieces
from reconciler.ui.dashboard.views.runs import coming_runs
from reconciler.ui.dashboard.views.templates import render
from reconciler.ui.dashboard.views.tree import Tree, tree_of
from reconciler.ui.live.snapshot import Snapshot

Document = Mapping[str, Any]
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_OWN_PART = {*_PROBES, "env", "limits", "command", "cwd"}
"""Of the spec, what has a place of its own on the page."""


class Known(NamedTuple):
    """What the controller says of one app."""

    described: Document
    plan: Document | None = None
    """Its change in the plan, if there is one."""


def one_app(snapshot: Snapshot, known: Known, *, may_act: bool) -> Pieces:
    """The pieces of the page of an app."""
    described = known.described
    app = {**described["app"], **(snapshot.app(described["app"]["name"]) or {})}
    tree = tree_of(app, snapshot.used_by(app["name"]))
    actions = [*_actions(app, described)] if may_act else []
    html = {
        "head": render("app/head.html", app=app, source=described["source"], actions=actions),
        "why": render("app/why.html", app={**app, **_why(described)}, errors=described["errors"]),
        "plan": render("app/plan.html", app=app, change=_change(known.plan)),
        "charts": render("app/charts.html", charts=charts_of(described, app)),
        "history": render("app/history.html", **_history(app, described), app=app, may_act=may_act),
        "spec": render("app/spec.html", **_spec(described)),
        "conditions": render("app/conditions.html", conditions=app["conditions"]),
    }
    order: dict[str, tuple[str, ...]] = {}
    if app["kind"] == "Job":
        runs = [*reversed(app["runs"])]
        coming = coming_runs(described["spec"])
        html["runs"] = render("app/runs.html", runs=runs, coming=coming, app=app)
    else:
        html["rollout"] = render("app/rollout.html", app=app, tree=tree, actor=actor_of)
        html |= _tree_rows(tree)
        order["tree"] = tuple(tree.rows)
    events = events_in(described["events"])
    return Pieces({**html, **events}, {**order, "events": tuple(events)})


def _tree_rows(tree: Tree) -> dict[str, str]:
    return {key: render("app/tree_row.html", id=key, row=row) for key, row in tree.rows.items()}


def _why(described: Document) -> dict[str, Any]:
    """Causes and the last crash are in the description alone, not in the status of all."""
    names = ("causes", "advice", "lastCrash")
    return {name: described["app"].get(name) for name in names}


def _actions(app: Document, described: Document) -> Iterator[tuple[str, str]]:
    """The actions that make sense now, each with the words on its button."""
    if app["kind"] == "Job":
        yield "run-job", "Run now"
    else:
        yield "restart", "Restart"
        yield "scale", "Scale"
        if _is_paused(app):
            yield "unpause", "Continue rollout"
        elif app["health"] == "Progressing":
            yield "pause", "Pause rollout"
    is_suspended = bool(described["spec"].get("suspend"))
    yield ("resume", "Resume") if is_suspended else ("suspend", "Suspend")


def _is_paused(app: Document) -> bool:
    return any(
        one["type"] == "Progressing" and one["reason"] in ("DeploymentPaused", "CanaryPauseStep")
        for one in app["conditions"]
    )


def _change(plan: Document | None) -> dict[str, Any] | None:
    """The change of the plan with its values as text."""
    if plan is None or not is_shown(plan):
        return None
    fields = [
        {**field, "before": shown_value(field["from"]), "after": shown_value(field["to"])}
        for field in plan["fields"]
    ]
    return {**plan, "fields": fields}


def _history(app: Document, described: Document) -> dict[str, Any]:
    return {
        "revisions": [*reversed(described["revisions"])],
        "builds": [*reversed(described.get("builds", ()))],
    }


def _spec(described: Document) -> dict[str, Any]:
    """The spec in readable parts. Secrets are names here: their values never come this way."""
    spec = described["spec"]
    masked = [(name, "***", True) for name in described["secrets"]]
    shown = [
        (name, _text(value), False)
        for name, value in spec.get("env", {}).items()
        if name not in described["secrets"]
    ]
    rest = [
        (key, _text(value))
        for key, value in spec.items()
        if key not in _OWN_PART and value not in ("", None, {}, [])
    ]
    return {
        "command": _command(spec.get("command", "")),
        "cwd": spec.get("cwd", ""),
        "environment": sorted([*masked, *shown]),
        "probes": [(probe, _probe(spec[probe])) for probe in _PROBES if spec.get(probe)],
        "limits": [(name, _text(value)) for name, value in spec.get("limits", {}).items()],
        "rest": rest,
        "labels": sorted(described["labels"].items()),
    }


def _command(command: Any) -> str:
    return command if isinstance(command, str) else " ".join(map(str, command))


def _probe(probe: Document) -> list[tuple[str, str]]:
    return [(key, _text(value)) for key, value in probe.items() if value is not None]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
