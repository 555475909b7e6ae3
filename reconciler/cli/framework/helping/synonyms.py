"""Verbs of other tools that people type by habit, and recon's verbs for them.

Looked up before any guess: `start` is nearer to `startup` in letters than to anything in meaning.
"""

from __future__ import annotations

ALIASES = {"ls": ["status"], "ps": ["status"], "list": ["status"], "version": ["--version"]}
"""Words that mean exactly a verb of recon's, and are taken for it."""

_EDIT = "edit its manifest: saving the file is the deploy"
_SUSPEND = "use `recon suspend APP` to stop one app, `recon down` to stop everything"
_APPLY = "use `recon apply`"

SYNONYMS = {
    **dict.fromkeys(("get", "st", "state"), "use `recon status [APP]`"),
    **dict.fromkeys(("show", "info", "inspect", "desc"), "use `recon describe APP`"),
    **dict.fromkeys(("stop", "halt"), _SUSPEND),
    **dict.fromkeys(
        ("start", "resurrect"),
        "use `recon apply` to start everything, `recon resume APP` to start a suspended app",
    ),
    **dict.fromkeys(
        ("delete", "del", "rm", "remove", "destroy"),
        "delete its manifest, and recon stops it; `recon suspend APP` stops it and keeps the file",
    ),
    **dict.fromkeys(
        ("exec", "ssh", "shell"),
        "recon does not run commands inside an app; run the program from your shell",
    ),
    **dict.fromkeys(("edit", "set", "config", "create", "new", "add"), _EDIT),
    **dict.fromkeys(("diff", "plan", "preview"), "use `recon apply --dry-run`"),
    **dict.fromkeys(
        ("reload", "bounce", "gracefulReload", "graceful-reload"),
        "use `recon restart APP`, which replaces instances one by one",
    ),
    **dict.fromkeys(("up", "deploy", "update", "reread", "sync", "load"), _APPLY),
    **dict.fromkeys(
        ("save", "dump", "freeze"), "there is nothing to save: the manifests are the desired state"
    ),
    **dict.fromkeys(("monitor", "tui", "ui", "attach"), "use `recon monit`"),
    **dict.fromkeys(("htop", "stats"), "use `recon top`, or `recon monit` to look around"),
    **dict.fromkeys(("web", "gui", "plus"), "use `recon dashboard`"),
    **dict.fromkeys(("log", "tail"), "use `recon logs [APP] [-f]`"),
    **dict.fromkeys(("check", "lint", "test"), "use `recon validate`, or `recon doctor`"),
    **dict.fromkeys(("kill", "shutdown", "quit"), "use `recon down`, which stops everything"),
    **dict.fromkeys(("enable", "disable"), "use `recon startup`, `recon startup --remove`"),
    **dict.fromkeys(
        ("daemon", "server", "serve"), "use `recon run`, or `recon apply` for the background"
    ),
    **dict.fromkeys(("undo", "history", "rollback"), "use `recon rollout undo|history APP`"),
    **dict.fromkeys(("pause",), "use `recon rollout pause APP`"),
    **dict.fromkeys(("trigger", "job"), "use `recon run-job JOB`"),
    **dict.fromkeys(("migrate", "convert"), "use `recon import pm2|procfile|supervisor FILE`"),
    **dict.fromkeys(("flush", "rotate"), "set `logs.rotate` in the manifest; recon rotates itself"),
}
"""What to use instead, as the end of a sentence."""


def resolved(words: list[str]) -> list[str]:
    """The words of a command line, with an alias in the place of what it stands for."""
    first, *rest = words
    if first == "help":
        return [*resolved(rest), "--help"] if rest else ["--help"]
    if first == "-v":
        return ["--version"]
    return [*ALIASES.get(first, [first]), *rest]
