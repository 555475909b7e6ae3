"""Options that verbs share, declared once, and the places they resolve to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import usage
from reconciler.state.paths import StatePaths, state_paths

Manifests = Annotated[
    str,
    Option(
        "--manifests", "-m", metavar="DIR", envvar="RECON_MANIFESTS", help="Manifests directory."
    ),
]
StateDir = Annotated[
    str | None,
    Option("--state-dir", metavar="DIR", envvar="RECON_STATE_DIR", help="State directory."),
]
Profile = Annotated[
    str | None,
    Option("--profile", metavar="PROFILE", help="Merge this profile over every spec."),
]
ApiGroup = Annotated[
    str | None,
    Option(
        "--api-group",
        metavar="GROUP",
        envvar="RECON_API_GROUP",
        help="Members of this group may look (status, describe, events).",
    ),
]
Selector = Annotated[
    str | None,
    Option(
        "--selector", "-l", metavar="LABELS", help="Only apps with these labels: tier=api,env!=dev."
    ),
]
Apps = Annotated[
    list[str] | None,
    Argument(metavar="APP", help="Only these apps.", show_default=False),
]


def formats(*words: str) -> Any:
    """``--output``, for one of these words. The help and the completion list them."""
    return Option("--output", "-o", metavar="|".join(words), help="Output format.")


TextOrJson = Annotated[str, formats("text", "json")]
TableOrJson = Annotated[str, formats("table", "json")]
DetailedExitcode = Annotated[
    bool,
    Option("--detailed-exitcode", help="Exit with 0 for no changes, 1 error, 2 changes."),
]

_DEFAULT = "manifests"


class Confirmed(NamedTuple):
    """Which of the changes that wait for a person are confirmed."""

    prune: bool = False
    load: bool = False


class Where(NamedTuple):
    """Which manifests and which state directory a verb is about. Absolute paths."""

    manifests: Path
    paths: StatePaths
    profile: str | None = None


def where(
    manifests: str, state_dir: str | None, profile: str | None = None, *, new: bool = False
) -> Where:
    """The places. Where no manifests were named and none are here, the running controller's.

    ``new``: the verb may be the first here, so that `./manifests` is meant in any case.
    """
    place = Where(Path(manifests).absolute(), state_paths(state_dir), profile)
    if new or manifests != _DEFAULT or place.manifests.is_dir():
        return place
    return _of_controller(place) or place


def _of_controller(place: Where) -> Where | None:
    """The manifests and the profile of the controller that answers; None where none does."""
    from reconciler.api.client import Client  # noqa: PLC0415
    from reconciler.api.errors import ClientError  # noqa: PLC0415

    try:
        about = Client(place.paths.socket, lambda: place.paths.shared_socket).version()
    except ClientError:
        return None
    return Where(Path(about["manifests"]), place.paths, place.profile or about["profile"])


def one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    """``value``, where it is allowed; a usage error else."""
    if value not in allowed:
        raise usage(f"{option} {value!r} is not valid; write one of {', '.join(allowed)}")
    return value


def whole_number(option: str, value: str, least: int = 0) -> int:
    """``value`` as a number of at least ``least``; a usage error else."""
    if not (value.isascii() and value.isdecimal()) or int(value) < least:
        raise usage(f"{option} {value!r} is not a whole number of at least {least}")
    return int(value)


def seconds(option: str, value: str) -> float:
    """``value`` as a duration in seconds; a usage error else."""
    from reconciler.model.words.quantity import parse_duration  # noqa: PLC0415  few verbs need it

    try:
        return parse_duration(value)
    except ValueError as error:
        raise usage(f"{option}: {error}") from None


def moment(option: str, value: str) -> float:
    """Wall time in seconds: a duration before now, or a date and time, local unless it says so."""
    from datetime import datetime  # noqa: PLC0415  few verbs need it

    if "-" not in value and ":" not in value:
        return time.time() - seconds(option, value)
    try:
        if "-" not in value:
            value = f"{time.strftime('%Y-%m-%d')} {value}"
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError):
        message = "write e.g. 10m, 14:30 or 2026-11-24T14:30"
        raise usage(f"{option}: {value!r} is neither a duration nor a time; {message}") from None
