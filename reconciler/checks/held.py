"""What is wrong with the process that keeps output while no controller runs. `recon doctor` prints
it. Pure: facts in, findings out."""

from __future__ import annotations

from reconciler.model.host.held import Held
from reconciler.model.state.finding import Finding, ok, problem, warning

_CHECK = "output"
_ROOM = {
    "ETOOMANYREFS": "this user may have {limit:,} descriptors on their way between processes",
    "EMFILE": "the controller may have {limit:,} files open",
    "ENFILE": "the host has no more open files",
}
_WAYS = {
    "ETOOMANYREFS": "raise the open files (ulimit -n, LimitNOFILE=) of the controller, or run"
    " fewer instances",
    "EMFILE": "raise the open files (ulimit -n, LimitNOFILE=) of the controller",
    "ENFILE": "sysctl fs.file-max",
}


def of_held(held: Held) -> Finding:
    """Whether the output of all that runs outlives the controller."""
    streams = f"{held.streams:,} stream{'s' if held.streams != 1 else ''} of output"
    if held.unheld:
        why = _ROOM.get(held.reason or "", f"the kernel refuses it ({held.reason})")
        message = (
            f"{held.unheld:,} of {streams}"
            f" {'is' if held.unheld == 1 else 'are'} not kept while no controller runs:"
            f" {why.format(limit=held.limit)}"
        )
        return warning(_CHECK, message, _WAYS.get(held.reason or "", "see `dmesg`"))
    if held.streams and held.pid is None:
        why = f" ({held.reason})" if held.reason else ""
        message = f"no process keeps the output while no controller runs: it cannot be started{why}"
        return problem(_CHECK, message, "recon tries again; look for what ends `sleep infinity`")
    if held.ended:
        times = "once" if held.ended == 1 else f"{held.ended:,} times"
        message = (
            f"the process that keeps output while no controller runs was killed {times}, and was"
            f" started again (pid {held.pid})"
        )
        return warning(_CHECK, message, "find out what kills it: `dmesg` names the OOM killer")
    message = f"{streams} would be kept while no controller runs"
    return ok(_CHECK, message)
