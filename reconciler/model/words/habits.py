"""Field names by habit: what other tools call it, and what a recon manifest does.

For messages on a field that there is not. Looked up before any guess by spelling: `cmd` is nearer
to `cwd` in letters than to `command`.
"""

from __future__ import annotations

_WHERE: dict[str, tuple[str, ...]] = {
    "command": (
        *("cmd", "exec", "script", "entrypoint", "program", "run", "execStart", "ExecStart"),
        *("start", "startCommand"),
    ),
    "cwd": (
        "workingDir",
        "working_dir",
        "WorkingDirectory",
        "workingDirectory",
        "directory",
        "dir",
    ),
    "env": ("environment", "envs", "variables", "vars", "Environment", "envVars", "env_vars"),
    "envFrom": ("env_file", "envFile", "EnvironmentFile", "environmentFile", "dotenv", "env_files"),
    "instances": ("replicas", "numprocs", "scale", "processes", "workers", "count", "num"),
    "sockets": ("ports", "port", "listen", "expose", "exec_mode"),
    "readinessProbe (when it may serve) or livenessProbe (when to restart it)": (
        *("healthcheck", "healthCheck", "health_check", "health", "probe", "probes"),
    ),
    "limits.memory": (
        *("max_memory_restart", "memory", "mem_limit", "MemoryMax", "maxMemory", "memoryLimit"),
    ),
    "limits": ("resources", "ulimits", "rlimits"),
    "limits.cpu": ("cpu", "cpus", "CPUQuota"),
    "limits.openFiles": ("nofile", "LimitNOFILE"),
    "restartPolicy": (
        *("restart", "autorestart", "autoRestart", "restart_policy", "Restart", "respawn"),
    ),
    "dependsOn": ("depends_on", "depends", "after", "After", "requires", "needs", "dependencies"),
    "logs.stdout": ("stdout", "out_file", "log_file", "stdout_logfile", "output", "log", "logFile"),
    "logs.stderr": ("stderr", "error_file", "stderr_logfile", "err_file"),
    "stop.signal": ("stop_signal", "stopSignal", "kill_signal", "stopsignal", "KillSignal"),
    "terminationGracePeriodSeconds": (
        *("kill_timeout", "stop_grace_period", "stopwaitsecs", "stopTimeout", "TimeoutStopSec"),
        *("gracePeriod", "gracePeriodSeconds", "stop_timeout"),
    ),
    "restartSchedule, or a Job with `schedule`": ("cron", "cron_restart", "crontab"),
    "user": ("uid", "User", "runAs", "runAsUser", "username"),
    "group": ("gid", "Group", "runAsGroup"),
    "watch": ("ignore_watch", "watchFiles", "watch_paths"),
    "build": ("buildCommand", "preStart", "ExecStartPre", "pre_start"),
    "strategy": ("update", "rollout", "deploy", "rollingUpdate"),
    "env.NAME: {secretFile: FILE}": ("secrets", "secret"),
}
_REMEDIES = {
    **{
        habit: f"recon calls it {name if ' ' in name else f'`{name}`'}"
        for name, habits in _WHERE.items()
        for habit in habits
    },
    **dict.fromkeys(("args", "arguments"), "write the arguments after the program in `command`"),
    **dict.fromkeys(
        ("container", "build_context"),
        "recon runs programs of this host, not images; name the program in `command`",
    ),
    **dict.fromkeys(
        ("volumes", "volumeMounts", "mounts"),
        "programs see this host's files; `readOnlyPaths` and `privateTmp` restrict that",
    ),
    **dict.fromkeys(("name", "labels"), "write it below `metadata`"),
    **dict.fromkeys(("networks", "network"), "programs use this host's network"),
}


def remedy(field: str) -> str:
    """What to write in the place of a field of a spec, for a sentence; empty where unknown."""
    return _REMEDIES.get(field, "")
