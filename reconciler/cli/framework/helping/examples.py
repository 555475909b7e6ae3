"""Examples and exit codes, as the help and the manual pages show them. Tests parse each command."""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    about: str
    """What it is for, without a full stop."""
    command: str


EXIT_CODES: dict[int, str] = {
    0: "done",
    1: "an error",
    64: "the command line is not valid",
    130: "Ctrl-C",
}
"""Of every verb."""

OWN_EXIT_CODES: dict[str, dict[int, str]] = {
    "apply": {
        0: "everything is ready; with --dry-run: the plan was printed",
        1: "a mistake in a manifest, or an app that does not become ready",
        2: "with --detailed-exitcode: there are, or were, changes",
    },
    "status": {
        0: "printed, whatever the state; with --detailed-exitcode: all is as declared",
        2: "with --detailed-exitcode: an app is not as declared, or not healthy",
    },
    "validate": {0: "no mistakes; there may be advice", 1: "at least one mistake"},
    "doctor": {0: "no problems; there may be warnings", 1: "at least one problem"},
    "run-job": {0: "the run has succeeded", 1: "the run has failed"},
    "rollout status": {0: "the rollout is done", 1: "it was given up, or --timeout is over"},
    "logs": {1: "an error, or --stderr finds nothing as both streams go to one unmarked file"},
    "export kubernetes": {1: "an error, or an app that was left out: see the report"},
    "export nomad": {1: "an error, or an app that was left out: see the report"},
    "export systemd": {1: "an error, or a manifest that has a mistake and was left out"},
}
"""Where a verb says more of a code, by the words of the verb."""

EXAMPLES: dict[str, tuple[Example, ...]] = {
    "": (
        Example("A first manifest, and the controller that follows it", "recon init"),
        Example("Start everything and wait until it is ready", "recon apply"),
        Example("See how it is", "recon status"),
    ),
    "run": (Example("The controller of another directory", "recon run -m /etc/recon/manifests"),),
    "apply": (
        Example("Start or update everything", "recon apply"),
        Example("Only see what would be done", "recon apply --dry-run"),
        Example(
            "What a branch changes, for a review", "recon apply --dry-run --base main -o markdown"
        ),
    ),
    "status": (
        Example("All apps", "recon status"),
        Example("One app with its instances, and why it is not well", "recon status web"),
        Example("Again each second, only the apps of a label", "recon status -w -l tier=api"),
        Example(
            "Whether all is well, by the exit code",
            "recon status --detailed-exitcode",
        ),
    ),
    "describe": (Example("All that is known of an app", "recon describe web"),),
    "monit": (Example("Those of one tier", "recon monit -l tier=api"),),
    "top": (Example("The largest by their limit", "recon top --sort limit"),),
    "metrics": (Example("Serve them for Prometheus", "recon metrics --listen 127.0.0.1:9464"),),
    "dashboard": (
        Example("On this host, by a link that is printed", "recon dashboard"),
        Example("For other hosts: a password", "recon dashboard --write-password /etc/recon/page"),
        Example(
            "and the page, with a proxy before it",
            "recon dashboard --listen 0.0.0.0:7333 --password-file /etc/recon/page",
        ),
    ),
    "logs": (
        Example("The last lines of all apps, and those to come", "recon logs -f"),
        Example("Errors of the last ten minutes", "recon logs web --since 10m --grep ERROR"),
        Example("Lines of JSON, folded", "recon logs api -f --pretty"),
    ),
    "events": (
        Example("What happens from now on", "recon events -f --limit 0"),
        Example("Crashes of the last day", "recon events --reason Exited --since 1d"),
        Example("Who changed what", "recon events --audit"),
    ),
    "notify": (
        Example("What waits, and what fails", "recon notify"),
        Example("A test message to all receivers", "recon notify test"),
    ),
    "restart": (Example("One by one, without a gap", "recon restart web"),),
    "run-job": (Example("Run a job now", "recon run-job backup"),),
    "rollout status": (Example("Wait for a rollout", "recon rollout status web --timeout 5m"),),
    "rollout history": (Example("What revision 3 was", "recon rollout history web --revision 3"),),
    "rollout undo": (
        Example("See the edit first", "recon rollout undo web --dry-run"),
        Example("Back to the last good revision", "recon rollout undo web"),
    ),
    "rollout pause": (Example("Hold it", "recon rollout pause web"),),
    "rollout resume": (Example("Let it go on", "recon rollout resume web"),),
    "scale": (Example("Four instances of web", "recon scale web=4"),),
    "suspend": (Example("Stop an app, and keep its manifest", "recon suspend worker"),),
    "resume": (Example("Start it again", "recon resume worker"),),
    "validate": (
        Example("In CI, where the programs are not installed", "recon validate --no-host"),
        Example("While you edit", "recon validate --watch"),
    ),
    "init": (
        Example("Of a program, with what its folder says", "recon init -- node server.js"),
        Example("Of a line of a crontab", "recon init -- '0 3 * * * ./backup --all'"),
        Example("In another directory", "recon init /etc/recon/manifests"),
    ),
    "import pm2": (
        Example("See what it would write", "recon import pm2 ecosystem.config.js --dry-run"),
    ),
    "import procfile": (Example("Two web, one worker", "recon import procfile -c web=2,worker=1"),),
    "import supervisor": (
        Example("From Debian's place", "recon import supervisor /etc/supervisor/supervisord.conf"),
    ),
    "doctor": (Example("Also what is well", "recon doctor --all"),),
    "schema": (Example("For an editor", "recon schema"),),
    "explain": (
        Example("All fields", "recon explain"),
        Example("One field", "recon explain strategy.maxSurge"),
        Example("What may stand in the place of a variable", "recon explain env.NAME"),
    ),
    "down": (Example("Stop all, for at most a minute", "recon down --timeout 1m"),),
    "startup": (
        Example("See what it would do", "recon startup --dry-run"),
        Example("Without root", "recon startup --user"),
    ),
    "export kubernetes": (
        Example("Objects into a directory", "recon export kubernetes -o objects"),
        Example(
            "With values of secrets, into files that only you can read",
            "recon export kubernetes -o objects --secrets",
        ),
    ),
    "export nomad": (Example("Jobs into a directory", "recon export nomad -o jobs"),),
    "export systemd": (Example("Units into a directory", "recon export systemd -o units"),),
    "completion": (
        Example("In this shell (bash; zsh is the same)", "source <(recon completion bash)"),
        Example(
            "For good, bash",
            "recon completion bash > ~/.local/share/bash-completion/completions/recon",
        ),
        Example(
            "For good, zsh, in a directory of $fpath", "recon completion zsh > ~/.zfunc/_recon"
        ),
        Example("For good, fish", "recon completion fish > ~/.config/fish/completions/recon.fish"),
    ),
    "man": (
        Example("The page of a verb", "recon man apply"),
        Example("Install all pages for `man recon-apply`", "recon man -o ~/.local/share/man/man1"),
    ),
}
"""By the words of the verb."""


def exit_codes(path: str) -> dict[int, str]:
    """The exit codes of a verb, in their order."""
    return dict(sorted((EXIT_CODES | OWN_EXIT_CODES.get(path, {})).items()))
