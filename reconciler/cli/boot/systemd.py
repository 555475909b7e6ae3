"""The systemd units of `recon startup`. docs/systemd.md says of each setting why, and why not.

Two units, because two events must be distinguished. ``recon.service`` is the controller: it may be
stopped, restarted and killed, and the apps keep running (KillMode=process; they are in its cgroup).
``recon-shutdown.service`` runs nothing; that it is stopped means that the host goes down, or is
brought to a target without recon, and then it stops the apps in their order. It is ordered after
the first one, so at shutdown it is stopped *before* it, while the controller is there to do the
work; and where no controller runs, because it was stopped by hand, `recon down` does it
nevertheless . (A controller that asked systemd, on SIGTERM, whether this is a shutdown would miss
that.)
"""

from __future__ import annotations

from reconciler.api.daemon.service import STOPPED
from reconciler.cli.boot.boot import MARK, USUAL_PATH, Boot
from reconciler.convert.systemd.unitfile import (
    Section,
    assignment,
    command,
    path,
    render,
    text,
    word,
)

SERVICE = "recon.service"
SHUTDOWN = "recon-shutdown.service"
UNITS = (SERVICE, SHUTDOWN)

_COMMENT = (
    MARK
    + """, which may overwrite it.
Your own settings: systemctl {user}edit {unit}"""
)
_AFTER = ("network.target", "network-online.target", "remote-fs.target", "nss-user-lookup.target")
_STOP_WITHIN = 600
"""Seconds for all apps to stop; each has its terminationGracePeriodSeconds, one after the other
where they depend on each other. It is what `recon down` waits."""


def units(boot: Boot) -> dict[str, str]:
    """The text of each unit, by its name. Unwritable where a path has no place in a unit."""
    return {SERVICE: _service(boot), SHUTDOWN: _shutdown(boot)}


def _service(boot: Boot) -> str:
    unit = [("Description", text(f"recon, which runs what {boot.place.manifests} declares"))]
    if not boot.user:  # a user's manager knows neither; it is started when they are there
        unit += [("After", " ".join(_AFTER)), ("Wants", "network-online.target")]
    unit.append(("RequiresMountsFor", word(str(boot.place.paths.root))))
    if boot.version >= 256:
        unit.append(("WantsMountsFor", word(str(boot.place.manifests))))
    unit.append(("StartLimitIntervalSec", "0"))
    service = [*_lifecycle(boot), *_isolation(boot), *_environment(boot)]
    return _unit(boot, SERVICE, unit, service)


def _lifecycle(boot: Boot) -> list[tuple[str, str]]:
    """How it is started, reloaded, watched and stopped."""
    reloads = boot.version >= 253
    return [
        ("Type", "notify-reload" if reloads else "notify"),
        ("ExecStart", command(boot.run)),
        *([] if reloads else [("ExecReload", "/bin/kill -HUP $MAINPID")]),
        ("TimeoutStartSec", "5min"),
        ("WatchdogSec", "1min"),
        ("#", "Restart always, without end, but not after `recon down`."),
        ("Restart", "always"),
        ("RestartSec", "1s"),
        ("RestartPreventExitStatus", str(STOPPED)),
        ("SuccessExitStatus", str(STOPPED)),
        ("#", "A stop or restart of recon leaves the apps alone."),
        ("KillMode", "process"),
        ("TimeoutStopSec", "30s"),
        ("FileDescriptorStoreMax", "4096"),
    ]


def _isolation(boot: Boot) -> list[tuple[str, str]]:
    """What would be meant for one service, and would hit all apps."""
    lines = [("#", "Cgroups below its own are recon's to make, and its limits are each app's own.")]
    lines += [("Delegate", "yes")]
    if boot.version >= 254:
        lines += [("DelegateSubgroup", "controller")]
    lines += [("TasksMax", "infinity"), ("OOMPolicy", "continue")]
    return lines if boot.user else [*lines, ("LimitNOFILE", "1024:524288")]


def _environment(boot: Boot) -> list[tuple[str, str]]:
    lines = [("SyslogIdentifier", "recon")]
    if boot.folders:
        lines.append(("Environment", assignment("PATH", ":".join([USUAL_PATH, *boot.folders]))))
    return [
        *lines,
        ("#", "What `fromEnv` of a manifest reads."),
        ("EnvironmentFile", "-%E/recon/env"),
    ]


def _shutdown(boot: Boot) -> str:
    after = [SERVICE, *(() if boot.user else _AFTER)]
    unit = [("Description", "stops the apps of recon at shutdown"), ("After", " ".join(after))]
    unit += [("#", "By hand: recon down"), ("RefuseManualStop", "yes")]
    service = [
        ("Type", "oneshot"),
        ("RemainAfterExit", "yes"),
        ("ExecStop", command([*boot.down, "--timeout", f"{_STOP_WITHIN}s"])),
        ("TimeoutStopSec", f"{_STOP_WITHIN + 10}s"),
        ("SyslogIdentifier", "recon"),
    ]
    return _unit(boot, SHUTDOWN, unit, service)


def _unit(
    boot: Boot, name: str, unit: list[tuple[str, str]], service: list[tuple[str, str]]
) -> str:
    target = "default.target" if boot.user else "multi-user.target"
    own = [("Manifests", path(str(boot.place.manifests)))]
    own += [("StateDir", path(str(boot.place.paths.root)))]
    comment = _COMMENT.format(user="--user " if boot.user else "", unit=name)
    return render(
        [
            Section("Unit", unit),
            Section("Service", service),
            Section("Install", [("WantedBy", target)]),
            Section("X-Recon", own),
        ],
        comment,
    )
