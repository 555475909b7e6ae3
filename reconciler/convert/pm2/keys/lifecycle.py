"""Restarts and stops: autorestart, delays, exit codes, signals, time to end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from reconciler.convert.manifests.draft import Draft, Fate
from reconciler.convert.pm2.keys.command import Run
from reconciler.convert.pm2.schema import is_undefined
from reconciler.convert.pm2.units import seconds_of, size_of
from reconciler.convert.pm2.values import is_true, number_of, text_of

# PM2: God.handleExit, constants.js.
_EXPONENTIAL_MAX_SECONDS = 15
_EXPONENTIAL_RESET_SECONDS = 30
_LAST_CODE = 255

_BETWEEN = {"npm", "npx", "pnpm", "yarn", "sh", "bash", "dash"}
"""They stand before the program, and outlive a SIGINT that the program does not get itself."""


def put(conf: Mapping[str, Any], run: Run, draft: Draft) -> None:
    _policy(conf, draft)
    _backoff(conf, draft)
    _stop(conf, run, draft)
    if conf.get("autostart") in (False, "false"):
        draft.put("suspend", True)
    limit = size_of(conf, "max_memory_restart", draft)
    if limit is not None:
        draft.put("limits.memory", limit)
        if (first := _between(run)) is not None:
            note = (
                f"PM2 measured {first} alone; recon counts all that it starts, too: raise"
                " the limit if need be"
            )
            draft.note(Fate.CHANGED, "max_memory_restart", note)


def _policy(conf: Mapping[str, Any], draft: Draft) -> None:
    codes = _codes(conf, draft)
    if conf.get("autorestart") in (False, "false"):
        draft.put("restartPolicy", "Never")
    elif codes:
        draft.put("restartPolicy", "OnFailure")
        if others := sorted(codes - {0}):
            draft.put("successExitCodes", others)
        if 0 not in codes:
            note = (
                "PM2 restarted after exit 0; for recon exit 0 is success, too, and"
                " it does not restart"
            )
            draft.note(Fate.CHANGED, "stop_exit_codes", note)


def _codes(conf: Mapping[str, Any], draft: Draft) -> set[int]:
    """PM2 compares numbers, and the whole numbers that texts begin with."""
    given = conf.get("stop_exit_codes")
    if is_undefined(given):
        return set()
    found = set()
    for one in given if isinstance(given, list) else [given]:
        number = number_of(one)
        if number is not None and number.is_integer() and 0 <= number <= _LAST_CODE:
            found.add(int(number))
        else:
            note = f"{text_of(one)[:40]!r} is not an exit code, which is 0 to {_LAST_CODE}"
            draft.note(Fate.TODO, "stop_exit_codes", note)
    return found


def _backoff(conf: Mapping[str, Any], draft: Draft) -> None:
    exponential = seconds_of(conf, "exp_backoff_restart_delay", draft)
    constant = seconds_of(conf, "restart_delay", draft)
    if exponential:
        value = {
            "initialSeconds": exponential,
            "maxSeconds": max(exponential, _EXPONENTIAL_MAX_SECONDS),
            "resetSeconds": _EXPONENTIAL_RESET_SECONDS,
        }
        draft.put("backoff", value)
        note = (
            "grows by half each time in PM2; in recon it doubles, and the first"
            " restart is immediate"
        )
        draft.note(Fate.CHANGED, "exp_backoff_restart_delay", note)
    elif constant:
        value = {"initialSeconds": constant, "maxSeconds": constant}
        draft.put("backoff", value)
        note = "in recon the first restart after a stable run is immediate"
        draft.note(Fate.CHANGED, "restart_delay", note)


def _stop(conf: Mapping[str, Any], run: Run, draft: Draft) -> None:
    if (first := _between(run)) is not None:
        note = (
            "PM2 sends SIGINT to every process at once; recon sends SIGTERM to this one"
            " first, then to the rest"
        )
        draft.note(Fate.CHANGED, first, note)
    else:
        draft.spec["stop"] = {"signal": "SIGINT"}
    if is_true(conf.get("shutdown_with_message")):
        signal = "SIGTERM" if first is not None else "SIGINT"
        note = (
            f"recon sends {signal} and no message; add this line to the program, which"
            " turns one into the other:"
        )
        note += f" process.on('{signal}', () => process.emit('message', 'shutdown'))"
        draft.note(Fate.TODO, "shutdown_with_message", note)
    grace = seconds_of(conf, "kill_timeout", draft)
    if grace is not None:
        draft.put("terminationGracePeriodSeconds", grace)


def _between(run: Run) -> str | None:
    first = os.path.basename(run.command[0])
    return first if first in _BETWEEN else None
