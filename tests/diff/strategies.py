"""Generated specs, behaviours and observed states for the properties of ``plan``."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.observed import RunState
from tests.diff.simhost import PROBE, Behaviour, SimHost, app_of

shares = st.sampled_from([0, 1, 2, "25%", "50%", "100%"])
GOOD_EXITS = st.sampled_from([0.0, 0.0, 3.0])


@st.composite
def specs(draw: st.DrawFn, *, rolling: bool = False, least: int = 0) -> dict[str, Any]:
    """A spec less its command, by the names of a manifest."""
    strategy: dict[str, Any] = {"maxSurge": draw(shares), "maxUnavailable": draw(shares)}
    if not rolling and draw(st.integers(0, 3)) == 0:
        strategy = {"type": "Recreate"}
    spec: dict[str, Any] = {"instances": draw(st.integers(least, 5)), "strategy": strategy}
    if draw(st.booleans()):
        spec["readinessProbe"] = PROBE
    if draw(st.booleans()):
        spec["minReadySeconds"] = draw(st.sampled_from([0, 2, 5]))
    return spec


good = st.builds(Behaviour, ready_after=st.sampled_from([0.0, 0.5, 4.0]), ignores_stop=GOOD_EXITS)
"""Becomes ready, never crashes, ends when asked."""
bad = st.one_of(
    st.builds(Behaviour, ready_after=st.none(), ignores_stop=GOOD_EXITS),
    st.builds(
        Behaviour,
        ready_after=st.sampled_from([None, 10.0]),
        crash_after=st.sampled_from([0.0, 0.5]),
    ),
)
"""Where there is a probe: never available."""


@st.composite
def hosts(
    draw: st.DrawFn, app: DesiredApp, hashes: list[str], behaviours: dict[str, Behaviour]
) -> SimHost:
    """A host on which some processes run already, in any state."""
    host = SimHost(behaviours)
    for _ in range(draw(st.integers(0, 6))):
        hash, state = draw(st.sampled_from(hashes)), draw(st.sampled_from(RunState))
        if state is RunState.FROZEN and hash == app.hash:
            state = RunState.RUNNING  # nothing but a person resumes it
        more: dict[str, Any] = {"state": state}
        if state is RunState.STOPPING:
            more["stopping_at"] = host.now
        if app.spec.readiness_probe is not None:
            more["ready"] = draw(st.sampled_from([None, False, True]))
            more["ready_at"] = host.now if more["ready"] else None
        host.add(app, draw(st.integers(0, 6)), hash, **more)
        host.advance(draw(st.sampled_from([0.0, 0.5])))
    return host


def edited(spec: dict[str, Any], command: str, **changes: Any) -> DesiredApp:
    return app_of("web", command, **(spec | changes))
