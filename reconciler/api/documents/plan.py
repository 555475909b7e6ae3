"""The plan as JSON with the place of each field that changes: `apply --dry-run`, `/v1/plan`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from reconciler.api.documents.status import Place
from reconciler.desired.text.places import Places, Sought
from reconciler.model.state.builder import built_by
from reconciler.model.state.plan import AppPlan, Changes, Plan


def of_apps(plan: Plan, apps: Collection[str]) -> Plan:
    """The part of a plan that is about these apps; all of it where there are none."""
    if not apps:
        return plan

    def concerns(app: AppPlan) -> bool:
        return (built_by(app.app) or app.app) in apps

    problems = [one for one in plan.problems if not one.apps or {*one.apps} & {*apps}]
    return replace(plan, apps=tuple(filter(concerns, plan.apps)), problems=tuple(problems))


def fields_sought(plan: Plan | Changes, profile: str | None) -> list[Sought]:
    """The fields that change, to be found in their files. ``profile``: the one in force."""
    return [
        Sought(app.desired.source.file, app.app, field.path, profile)
        for app in plan.apps
        if app.desired is not None
        for field in app.change.fields
    ]


def placed(sought: Collection[Sought], found: Places) -> dict[tuple[str, str], Place]:
    """The places as the document has them. One that was removed stands where its app does."""
    lines = [(one, found.get((one.app, one.field))) for one in sought]
    return {(one.app, one.field): Place(one.file, place[0]) for one, place in lines if place}
