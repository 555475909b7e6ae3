"""How it is started, known to be up, stopped, and restarted."""

from __future__ import annotations

import math

from reconciler.convert.fields import Fate
from reconciler.convert.systemd.draft import Draft
from reconciler.convert.systemd.program import found
from reconciler.convert.systemd.unitfile import command, span

Backoff = dict[str, float | None]

_RESTARTS = {"Always": "always", "OnFailure": "on-failure", "Never": "no"}
_CARRIED = (
    *("notify", "initialDelaySeconds", "periodSeconds", "timeoutSeconds"),
    *("successThreshold", "failureThreshold"),
)
"""Of a probe that is the program's own word; the rhythm of asking has no meaning there."""
_CLEAN = "SIGHUP SIGINT SIGTERM SIGPIPE"
"""Deaths that systemd takes for success; recon does not."""
_BOUNDS = {"startup": "READY=1", "readiness": "READY=1", "liveness": "WATCHDOG=1"}


def start(draft: Draft, *, completes: bool) -> None:
    """``completes``: others wait until it has ended, so it is started when it has."""
    notifies = {role for role in _BOUNDS if draft.peek(f"{role}Probe", "notify")}
    notifies_ready = bool(notifies & {"startup", "readiness"}) and not completes
    if completes:
        draft.service += [("Type", "oneshot"), ("RemainAfterExit", "yes")]
        draft.service.append(("TimeoutStartSec", "infinity"))
    elif notifies_ready:
        patience = _tolerance(draft, "startup") if "startup" in notifies else None
        within = span(patience) if patience is not None else "infinity"
        draft.service += [("Type", "notify"), ("TimeoutStartSec", within)]
    else:
        draft.service.append(("Type", "exec"))
    if notifies:
        draft.service.append(("NotifyAccess", "all"))
    if "liveness" in notifies:
        draft.service.append(("WatchdogSec", span(_tolerance(draft, "liveness", delayed=False))))
        draft.service.append(("WatchdogSignal", draft.peek("stop", "signal") or "SIGTERM"))
        if draft.peek("livenessProbe", "initialDelaySeconds"):
            note = "the watchdog runs from the start on"
            draft.note(Fate.DIFFERS, note, "livenessProbe", "initialDelaySeconds")
    for role in _BOUNDS:
        _probe(draft, role, carried=role in notifies and (notifies_ready or role == "liveness"))


def _tolerance(draft: Draft, role: str, *, delayed: bool = True) -> float:
    probe = draft.peek(f"{role}Probe")
    tries = float(probe.get("periodSeconds", 10)) * int(probe.get("failureThreshold", 3))
    return tries + (float(probe.get("initialDelaySeconds", 0)) if delayed else 0)


def _probe(draft: Draft, role: str, *, carried: bool) -> None:
    field = f"{role}Probe"
    if carried:
        for name in _CARRIED:
            draft.take(field, name)
        return
    if draft.take(field) is None:
        return
    sign = _BOUNDS[role]
    meant = "a hang is not noticed"
    if role != "liveness":
        meant = "the unit is up when its process is started"
    note = f"systemd runs no probes: {meant}, unless the program sends {sign} (notify)"
    draft.note(Fate.LOST, note, field)


def stop(draft: Draft, *, oneshot: bool) -> None:
    """preStop, the signal to the main process, and SIGKILL for all in the end."""
    grace = float(draft.take("terminationGracePeriodSeconds", default=30))
    draft.service += [
        ("KillMode", "mixed"),
        ("KillSignal", draft.take("stop", "signal", default="SIGTERM")),
        ("TimeoutStopSec", span(grace)),
    ]
    words = draft.take("stop", "preStop")
    if not words:
        return
    if oneshot:  # ExecStop= is for what has been started
        draft.note(Fate.LOST, "a oneshot gets its stop signal immediately", "stop", "preStop")
        return
    # Of an instance that ended by itself there is nothing to drain; systemd runs it nevertheless.
    guard = '[ -n "$MAINPID" ] || exit 0; RECON_PID=$MAINPID; export RECON_PID; '
    hook, _ = found(draft, words, "stop", "preStop")
    draft.service.append(("ExecStop", command(hook, guard + draft.prelude)))
    note = "it has the whole grace period, and the stop after it has the same time again"
    draft.note(Fate.DIFFERS, note, "stop", "preStop")


def restart(draft: Draft) -> None:
    """Restarts without a limit on how often; how the waits grow depends on systemd's version."""
    policy = draft.take("restartPolicy", default="Always")
    waited = backoff(draft)
    draft.service.append(("Restart", _RESTARTS[policy]))
    if policy == "Never":
        return
    if policy == "OnFailure":
        draft.service.append(("RestartForceExitStatus", _CLEAN))
    waits(draft, waited)
    if waited["resetSeconds"] is not None:
        note = "the waits become short again only after a start by hand"
        draft.note(Fate.LOST, note, "backoff", "resetSeconds")


def success(draft: Draft) -> None:
    """Ends that are none of a failure. With ``Restart=on-failure`` none of them is restarted."""
    codes = draft.take("successExitCodes")
    if codes:
        draft.service.append(("SuccessExitStatus", " ".join(map(str, codes))))


def backoff(draft: Draft) -> Backoff:
    """What was said of the waits between tries, in seconds."""
    names = ("initialSeconds", "maxSeconds", "resetSeconds")
    return {name: draft.take("backoff", name) for name in names}


def waits(draft: Draft, backoff: Backoff) -> None:
    """How long between tries."""
    first = 1.0 if backoff["initialSeconds"] is None else float(backoff["initialSeconds"])
    most = 60.0 if backoff["maxSeconds"] is None else float(backoff["maxSeconds"])
    draft.service.append(("RestartSec", span(first) if first else "0"))
    if first and most > first:
        if draft.target.version >= 254:
            steps = max(1, math.ceil(math.log2(most / first)))
            draft.service += [("RestartSteps", str(steps)), ("RestartMaxDelaySec", span(most))]
        elif backoff["maxSeconds"] is not None:
            note = f"every wait is {first:g} s; growing waits need systemd 254"
            draft.note(Fate.DIFFERS, note, "backoff", "maxSeconds")
