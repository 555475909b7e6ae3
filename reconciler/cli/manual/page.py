"""A verb as a manual page: what its command, its examples and its exit codes say, in sections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from reconciler.cli.framework.helping.examples import EXAMPLES, Example, exit_codes
from reconciler.cli.framework.helping.summaries import grouped
from reconciler.cli.framework.table import VERBS
from reconciler.cli.framework.verb import load, summary_of

Rows = list[tuple[str, str]]

_ABOUT_RECON = """\
A directory of manifests is the desired state of the processes on this host. Edit a file, and the
processes follow. Start with `recon init`, then `recon apply`.

A controller watches the manifests and the processes. `recon apply` starts it in the background,
`recon run` in the foreground, and `recon startup` has it started at boot. The other verbs ask it;
those that look, and `recon apply --dry-run`, work without one, too."""
_ENVIRONMENT: Rows = [
    ("NO_COLOR", "No colours. Without it there are colours on a terminal."),
    ("COLUMNS", "Columns to lay tables out in, in the place of the terminal's."),
    ("RECON_DEBUG", "1: show where an unexpected error arose, as --debug does."),
]
_FILES: Rows = [
    (
        "./manifests",
        "The manifests, where --manifests and RECON_MANIFESTS name no others.",
    ),
    ("recon.yaml", "In the manifests directory: settings for all apps (kind: Settings)."),
    ("/var/lib/recon", "The state directory of root: history, logs, the controller's socket."),
    ("~/.local/state/recon", "The state directory of others; XDG_STATE_HOME moves it."),
    ("/etc/recon/env", "Variables for the controller that `recon startup` installs."),
]


class Page(NamedTuple):
    """One page; all texts are plain."""

    path: str
    """The words of the verb: ``rollout undo``; empty for recon itself."""
    summary: str
    synopsis: str
    """What follows the name of the command."""
    paragraphs: list[str]
    verbs: list[tuple[str, Rows]]
    """Of a group: title, and the verbs with their summaries."""
    options: Rows
    exits: Rows
    environment: Rows
    files: Rows
    examples: tuple[Example, ...]
    see_also: list[str]
    """Names of other pages."""

    @property
    def name(self) -> str:
        return name_of(self.path)


def name_of(path: str) -> str:
    """``recon-rollout-undo``."""
    return "-".join(["recon", *path.split()])


def pages() -> Iterator[Page]:
    """The page of recon, of each verb, and of the verbs below one."""
    yield _of_recon()
    for verb in VERBS:
        command = load(verb)
        below = getattr(command, "table", {})
        yield _of_verb(verb, command)
        for name in below:
            yield _of_verb(f"{verb} {name}", load(name, below))


def page(path: str) -> Page | None:
    """The page of a verb; None where there is none of this name."""
    if not path:
        return _of_recon()
    first, *rest = path.split()
    if first not in VERBS:
        return None
    command = load(first)
    if rest:
        below = getattr(command, "table", {})
        if len(rest) > 1 or rest[0] not in below:
            return None
        command = load(rest[0], below)
    return _of_verb(path, command)


def _of_recon() -> Page:
    groups = grouped([*VERBS])
    return Page(
        "",
        "a declarative process manager for one host",
        "[OPTIONS] COMMAND [ARGS]...",
        _paragraphs(_ABOUT_RECON),
        [(title, [(verb, summary_of(verb)) for verb in verbs]) for title, verbs in groups],
        [
            ("--version", "Show the version and exit."),
            ("-h, --help", "Show the help and exit."),
            ("--debug", "Show where an unexpected error arose. Any verb takes it."),
        ],
        _rows_of_exits(""),
        _ENVIRONMENT,
        _FILES,
        EXAMPLES[""],
        [name_of(verb) for verb in VERBS],
    )


def _of_verb(path: str, command: Any) -> Page:
    with command.make_context(path, [], resilient_parsing=True) as context:
        pieces = command.collect_usage_pieces(context)
        records = [
            record
            for one in command.get_params(context)
            if one.param_type_name == "option" and (record := one.get_help_record(context))
        ]
        arguments = [
            (piece, one.help)
            for one, piece in zip(
                (one for one in command.get_params(context) if one.param_type_name == "argument"),
                pieces[1:],
                strict=False,
            )
            if one.help
        ]
    _, *rest = _paragraphs(str(command.help))
    below = getattr(command, "table", {})
    variables = {
        variable
        for one in command.params
        if (variable := getattr(one, "envvar", None)) and isinstance(variable, str)
    }
    named = [(name, f"The value of {_option(command, name)}.") for name in sorted(variables)]
    above = path.split()[:-1]
    return Page(
        path,
        _title(summary_of(path)),
        " ".join(pieces),
        [summary_of(path), *rest],
        [("Commands", [(verb, summary_of(f"{path} {verb}")) for verb in below])] if below else [],
        [*arguments, *((str(name), str(about)) for name, about in records)],
        _rows_of_exits(path),
        [*named, *_ENVIRONMENT],
        _FILES if {"manifests", "state_dir"} & {one.name for one in command.params} else [],
        EXAMPLES.get(path, ()),
        ["recon", *map(name_of, above), *(name_of(f"{path} {verb}") for verb in below)],
    )


def _option(command: Any, variable: str) -> str:
    found = next(one for one in command.params if getattr(one, "envvar", None) == variable)
    return str(found.opts[0])


def _title(sentence: str) -> str:
    """As whatis(1) lists it: without a full stop, and small."""
    return sentence[0].lower() + sentence[1:].rstrip(".")


def _rows_of_exits(path: str) -> Rows:
    return [(str(code), f"{what[0].upper()}{what[1:]}.") for code, what in exit_codes(path).items()]


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
