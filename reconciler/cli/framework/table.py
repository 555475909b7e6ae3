"""Which module has which verb: one that is called is imported, and no other."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

VERBS: dict[str, str] = {
    "run": "host.run",
    "apply": "change.apply",
    "status": "observe.status",
    "describe": "observe.status",
    "top": "observe.top",
    "monit": "observe.monit",
    "metrics": "observe.metrics",
    "dashboard": "observe.dashboard",
    "logs": "observe.logs",
    "events": "observe.events",
    "notify": "observe.notify",
    "restart": "change.restart",
    "run-job": "change.run_job",
    "rollout": "rollout.rollout",
    "scale": "change.edit",
    "suspend": "change.edit",
    "resume": "change.edit",
    "validate": "declare.validate",
    "init": "declare.init",
    "import": "imports.import_",
    "doctor": "doctor.doctor",
    "schema": "declare.schema",
    "explain": "declare.schema",
    "down": "host.run",
    "startup": "host.startup",
    "export": "declare.export",
    "completion": "shell.completion",
    "man": "shell.man",
}
"""Module of ``cli.verbs`` by verb, in the order of the help."""

ROLLOUT: dict[str, str] = {
    "status": "rollout.rollout",
    "history": "rollout.history",
    "undo": "rollout.undo",
    "pause": "rollout.rollout",
    "resume": "rollout.rollout",
}
"""The verbs below `rollout`, in the same form."""

IMPORT: dict[str, str] = {
    "pm2": "imports.pm2",
    "procfile": "imports.others",
    "supervisor": "imports.others",
}
"""The verbs below `import`, in the same form."""

EXPORT: dict[str, str] = {
    "systemd": "declare.export",
    "kubernetes": "declare.export_kubernetes",
    "nomad": "declare.export_nomad",
}
"""Below `export`."""

GROUPS: dict[str, dict[str, str]] = {"rollout": ROLLOUT, "import": IMPORT, "export": EXPORT}
"""The verbs that have verbs below them."""


def function_of(name: str, table: dict[str, str] = VERBS) -> Callable[..., Any]:
    """The function of a verb: that of its name, in its module."""
    module = importlib.import_module(f"reconciler.cli.verbs.{table[name]}")
    # `import` is a word of Python's, and no name holds a dash.
    name = "import_" if name == "import" else name.replace("-", "_")
    function: Callable[..., Any] = getattr(module, name)
    return function
