"""The verbs as `recon --help` lists them, in groups, with the first sentence of the help of each.

They stand here, too, because a list must not load the code of all verbs, which takes 0.8 s. A test
holds them to the verbs.
"""

from __future__ import annotations

GROUPS: dict[str, tuple[str, ...]] = {
    "Look": (
        "status",
        "describe",
        "monit",
        "dashboard",
        "top",
        "logs",
        "events",
        "notify",
        "metrics",
    ),
    "Change": ("apply", "restart", "rollout", "scale", "suspend", "resume", "run-job", "down"),
    "Manifests": ("init", "validate", "explain", "schema", "import", "export"),
    "This host": ("run", "startup", "doctor"),
    "Shell": ("completion", "man"),
}
"""Verbs by the title above them. One that is in no group comes last."""

SUMMARIES: dict[str, str] = {
    "run": "Run the controller in the foreground.",
    "apply": "Carry out what the manifests say, and wait until all is ready.",
    "status": "Show how all apps are, or some in detail.",
    "describe": "Show everything known of one app.",
    "monit": "Watch all apps, and act on them, in this terminal.",
    "top": "Show what the instances use, again every two seconds.",
    "dashboard": "Serve a page that shows all apps, live.",
    "metrics": "Print metrics for Prometheus, or serve them.",
    "logs": "Show what apps wrote, merged by time.",
    "events": "Show what happened, as a timeline.",
    "notify": "Show how notifications go; with the word test, send a test message now.",
    "restart": "Replace processes by new ones.",
    "run-job": "Run a job now, and show what it writes until it has ended.",
    "rollout": "Look at rollouts, hold them, and go back: as `kubectl rollout`.",
    "rollout status": "Show how far a rollout is, and wait until it is done.",
    "rollout history": "Show the revisions of an app: when, how they fared, what changed.",
    "rollout undo": "Go back to an earlier revision, by an edit of the manifest.",
    "rollout pause": (
        "Hold rollouts: recon starts and stops nothing for them until they are resumed."
    ),
    "rollout resume": "Continue paused rollouts, and those that wait for a canary.",
    "scale": "Set how many instances an app has, in its manifest.",
    "suspend": "Stop apps, by an edit of their manifests.",
    "resume": "Start suspended apps again, by an edit of their manifests.",
    "validate": "Look for mistakes in manifests.",
    "init": "Write a first manifest to begin with.",
    "import": "Write manifests from the files of PM2, foreman or supervisord.",
    "import pm2": "Write manifests from PM2's ecosystem files: JavaScript, JSON or YAML.",
    "import procfile": "Write manifests from a Procfile, as foreman and Heroku run it.",
    "import supervisor": (
        "Write manifests from supervisord's configuration files, and what they include."
    ),
    "doctor": "Look for problems here, and say what to do.",
    "schema": "Print the JSON Schema of manifests, for editors.",
    "explain": "Explain a field of a manifest.",
    "down": "Stop everything, and the controller too.",
    "startup": "Start recon at boot: write a unit, enable it, start it.",
    "export": "Write what is declared in another system's words.",
    "export kubernetes": (
        "Write objects of Kubernetes of the same meaning, and report what none can say."
    ),
    "export nomad": "Write jobs of Nomad of the same meaning, and report what none can say.",
    "export systemd": "Write systemd units of the same meaning, and report what no unit can say.",
    "completion": "Print the script for completion in bash, zsh or fish.",
    "man": "Show the manual page of recon or of a verb, or write all pages.",
}
"""First sentence of the help, by the words of the verb."""


def grouped(verbs: list[str]) -> list[tuple[str, list[str]]]:
    """The verbs, each below its title."""
    listed = {verb for group in GROUPS.values() for verb in group}
    groups = {**GROUPS, "Other": tuple(verb for verb in verbs if verb not in listed)}
    found = [(title, [verb for verb in group if verb in verbs]) for title, group in groups.items()]
    return [(title, group) for title, group in found if group]
