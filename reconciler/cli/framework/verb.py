"""A verb as typer sees it: imported only when it is called, with plain text as option values.

`recon status` is promised within 100 ms. Two things would break that, and are kept away here:
importing the code of all verbs to run one, and typer (since 0.29) validating every single option
through a pydantic ``TypeAdapter``, whose import takes longer than all else together. So options
are declared as ``str``, ``list[str]`` or ``bool`` only, and the verbs check the values
themselves (``options.one_of`` and the like). A test guards that pydantic stays unimported.
"""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from typing import Any

import typer

from reconciler.cli.framework.errors import usage
from reconciler.cli.framework.helping.summaries import SUMMARIES, grouped
from reconciler.cli.framework.helping.synonyms import SYNONYMS
from reconciler.cli.framework.typer_private import Command, Group, command_of

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
    "validate": "declare.manifests",
    "init": "declare.manifests",
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

EXPORT: dict[str, str] = {"systemd": "declare.export"}
"""Below `export`."""

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Verbs(Group):
    """All verbs, each loaded when it is asked for."""

    table = VERBS
    program = "recon"

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The verbs with their summaries, in groups; none of them is loaded for that."""
        path = " ".join(ctx.command_path.split()[1:])
        verbs = self.list_commands(ctx)
        groups = [("Commands", verbs)] if path else grouped(verbs)
        rows = {verb: summary_of(f"{path} {verb}".strip()) for verb in verbs}
        most = max(map(len, verbs))
        for title, names in groups:
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{most}}", rows[name]) for name in names])

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.table:
            raise usage(f"{cmd_name!r} is not a verb of {self.program}{self._hint(cmd_name)}")
        return load(cmd_name, self.table)

    def _hint(self, word: str) -> str:
        if self.table is VERBS and word in SYNONYMS:
            return f"; {SYNONYMS[word]}"
        close = get_close_matches(word, self.table, n=1)
        return f", did you mean {close[0]}?" if close else f"; `{self.program} --help` lists them"


class RolloutVerbs(Verbs):
    """`recon rollout VERB`."""

    table = ROLLOUT
    program = "recon rollout"


class ImportVerbs(Verbs):
    """`recon import TOOL`."""

    table = IMPORT
    program = "recon import"


class ExportVerbs(Verbs):
    """`recon export TARGET`."""

    table = EXPORT
    program = "recon export"


_GROUPS: dict[str, type[Verbs]] = {
    "rollout": RolloutVerbs,
    "import": ImportVerbs,
    "export": ExportVerbs,
}


def summary_of(path: str) -> str:
    """The first sentence of the help of a verb: ``rollout undo``."""
    if path in SUMMARIES:
        return SUMMARIES[path]
    *above, name = path.split()
    command = load(name, _GROUPS[above[0]].table if above else VERBS)
    return str(command.help or "").partition("\n")[0]


def load(name: str, table: dict[str, str] = VERBS) -> Any:
    """The command of one verb: the function of its name, in its module."""
    module = importlib.import_module(f"reconciler.cli.verbs.{table[name]}")
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    # `import` is a word of Python's, and no name holds a dash.
    function = getattr(module, "import_" if name == "import" else name.replace("-", "_"))
    if table is VERBS and name in _GROUPS:
        app.callback(cls=_GROUPS[name], context_settings=SETTINGS, no_args_is_help=True)(function)
    else:
        app.command(name, cls=Command, context_settings=SETTINGS)(function)
    return command_of(app)
