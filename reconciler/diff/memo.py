"""Plans of apps at rest, remembered: so that a look at a thousand apps costs what has happened.

A plan is a function of its arguments, so that one that was made from the same ones need not be made
again. Time is one of them. It makes no difference to an app of which nothing is to be done, nothing
is to be said, and nothing is awaited: that is what is kept here, and only that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.diff.core.documents import Documents
from reconciler.diff.core.situation import AppSituation
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.plan import AppPlan, Decision, Health, Sync


@dataclass(slots=True)
class Memo:
    """By app: the situation that a plan was made from, and the plan."""

    _kept: dict[str, tuple[AppSituation, AppPlan]] = field(default_factory=dict)
    documents: Documents = field(default_factory=Documents)

    def of(self, at: AppSituation, plan: Callable[[AppSituation], AppPlan]) -> AppPlan:
        """The plan for a situation."""
        kept = self._kept.get(at.app.name)
        if kept is not None and _is_the_same(kept[0], at):
            return kept[1]
        made = plan(at)
        if _is_at_rest(at, made):
            self._kept[at.app.name] = at, made
        else:
            self._kept.pop(at.app.name, None)
        return made

    def known(self, at: AppSituation, decide: Callable[[AppSituation], Decision]) -> Decision:
        """What to do in a situation: nothing, where its plan is remembered."""
        kept = self._kept.get(at.app.name)
        return kept[1] if kept is not None and _is_the_same(kept[0], at) else decide(at)

    def clear(self) -> None:
        """Forget all: no person looks any more."""
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)


def _is_the_same(before: AppSituation, now: AppSituation) -> bool:
    """But for the time."""
    return (
        before.app is now.app
        and before.memory is now.memory
        and before.processes == now.processes
        and _is_quiet(now)
        and before.moment.journal == now.moment.journal
        and before.moment.observed.inherited == now.moment.observed.inherited
    )


def _is_quiet(at: AppSituation) -> bool:
    """Nothing outside the app is the matter that its plan takes into account."""
    name, moment = at.app.name, at.moment
    return not (
        moment.observed.faults
        or name in moment.observed.conflicts
        or name in moment.ports
        or name in moment.loads
        or name in moment.refused
    )


def _is_at_rest(at: AppSituation, plan: AppPlan) -> bool:
    status = plan.status
    return (
        not plan.actions
        and not plan.events
        and plan.memory is at.memory
        and plan.look_again_at is None
        and status.sync is Sync.SYNCED
        and status.health is Health.HEALTHY
        and not status.message
        and not status.drift
        and _is_alone(at.app.spec)
        and _is_quiet(at)
    )


def _is_alone(spec: AppSpec) -> bool:
    """Its plan does not depend on how other apps stand."""
    return not spec.depends_on and spec.build is None
