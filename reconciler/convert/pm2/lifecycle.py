"""Restarts and stops: autorestart, delays, exit codes, signals, time to end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from reconciler.convert.draft import Draft, Fate
from reconciler.convert.pm2.command import Run
from reconciler.convert.pm2.values import is_true, number_of, text_of

# PM2: God.handleExit, constants.js.
_EXPONENTIAL_MAX_SECONDS = 15
_EXPONENTIAL_RESET_SECONDS = 30
_LONGEST = 10**9

_BETWEEN = {"npm", "npx", "pnpm", "yarn", "sh", "bash", "dash"}
"""They stand before the program, and outlive a SIGINT that the program does not get itself."""


def put(conf: Mapping[str, Any], run: Run, draft: Draft) -> None:
    _policy(conf, draft)
    _backoff(conf, draft)
    _stop(conf, run, draft)
    if conf.get("autostart") in (False, "false"):
        draft.put("suspend", True, "autostart", "autostart: false; `recon resume` starts it.")
    limit = conf.get("max_memory_restart")
    if isinstance(limit, str | int | float) and not isinstance(limit, bool) and _size(limit):
        draft.put("limits.memory", _size(limit), "max_memory_restart")
        if (first := _between(run)) is not None:
            told = f"PM2 looked at {first} alone; recon counts all that it starts: allow for it"
            draft.note(Fate.CHANGED, "max_memory_restart", told)


def _policy(conf: Mapping[str, Any], draft: Draft) -> None:
    codes = conf.get("stop_exit_codes")
    given = codes if isinstance(codes, list) else [codes]
    numbers = {int(number) for one in given if (number := number_of(one)) is not None}
    if conf.get("autorestart") in (False, "false"):
        draft.put("restartPolicy", "Never", "autorestart")
    elif 0 in numbers:
        draft.put("restartPolicy", "OnFailure", "stop_exit_codes", "stop_exit_codes holds 0.")
    others = sorted(numbers - {0})
    if others:
        told = f"{', '.join(map(str, others))}: recon knows success (0) and failure; such an exit"
        draft.note(Fate.LOST, "stop_exit_codes", f"{told} is a failure, and is restarted")


def _backoff(conf: Mapping[str, Any], draft: Draft) -> None:
    exponential = _seconds(conf.get("exp_backoff_restart_delay"))
    constant = _seconds(conf.get("restart_delay"))
    if exponential:
        value = {
            "initialSeconds": exponential,
            "maxSeconds": max(exponential, _EXPONENTIAL_MAX_SECONDS),
            "resetSeconds": _EXPONENTIAL_RESET_SECONDS,
        }
        draft.put("backoff", value, "exp_backoff_restart_delay")
        told = "grows by half each time in PM2; in recon it doubles, and the first is at once"
        draft.note(Fate.CHANGED, "exp_backoff_restart_delay", told)
    elif constant:
        value = {"initialSeconds": constant, "maxSeconds": constant}
        draft.put("backoff", value, "restart_delay")
        told = "in recon the first crash after a stable run is restarted at once"
        draft.note(Fate.CHANGED, "restart_delay", told)


def _stop(conf: Mapping[str, Any], run: Run, draft: Draft) -> None:
    if (first := _between(run)) is not None:
        told = (
            "PM2 sends SIGINT to every process at once; recon SIGTERM to this one, then to the rest"
        )
        draft.note(Fate.CHANGED, first, told)
    else:
        draft.spec["stop"] = {"signal": "SIGINT"}
        draft.comments[("stop",)] = "What PM2 sends."
    if is_true(conf.get("shutdown_with_message")):
        told = "has no process.send('shutdown') in recon: handle SIGINT in the program"
        draft.note(Fate.TODO, "shutdown_with_message", told)
    grace = _seconds(conf.get("kill_timeout"))
    if grace is not None:
        draft.put("terminationGracePeriodSeconds", grace, "kill_timeout")


def _between(run: Run) -> str | None:
    first = os.path.basename(run.command[0])
    return first if first in _BETWEEN else None


def _seconds(value: Any) -> float | None:
    """Of PM2's milliseconds; whole numbers as such."""
    number = number_of(value)
    if number is None or not 0 <= number < _LONGEST:
        return None
    seconds = number / 1000
    return int(seconds) if seconds.is_integer() else seconds


def _size(value: Any) -> str | int | None:
    """As recon writes it; PM2's K, M and G are binary, as recon's are. None for nonsense or 0."""
    text = text_of(value)
    digits = text[:-1] if text[-1:] in "KMG" and text else text
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 15 or not int(digits):
        return None
    return text if text != digits else int(text)
