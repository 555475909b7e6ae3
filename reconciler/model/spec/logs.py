"""Where output goes, how its lines are written, and how the files are rotated.

All of it is in place: recon writes the logs, so no process is restarted for another way to.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from reconciler.model.host.fifo import Stream
from reconciler.model.spec.base import Manifest
from reconciler.model.words.logname import APP, INSTANCE, split
from reconciler.model.words.quantity import parse_duration
from reconciler.model.words.sentence import InvalidValue
from reconciler.model.words.values import Flag, Size

_LONGEST_FORMAT = 100
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_WORD = re.compile(r"<[^<>/]*>")
_ANY_TIMES = (datetime(2026, 11, 24, 3, 15, 30, 123456, UTC), datetime(2025, 1, 1, 14, tzinfo=UTC))


def _path(value: str) -> str:
    if not value or "\0" in value or "\n" in value:
        raise ValueError("must be the path of a file")
    if split(value)[1] in ("", ".", ".."):
        raise InvalidValue(f"{value} is a directory", "name a file in it")
    for word in _WORD.findall(value):
        if word not in (APP, INSTANCE):
            raise InvalidValue(f"{word} is not a placeholder", f"write {INSTANCE} or {APP}")
    if INSTANCE in split(value)[0]:
        raise ValueError(f"{INSTANCE} may only be in the file's name, not in a folder's")
    return value


def _format(value: bool | str) -> bool | str:
    if isinstance(value, bool):
        return value
    if len(value) > _LONGEST_FORMAT:
        raise ValueError(f"is longer than {_LONGEST_FORMAT} characters")
    text, other = (when.strftime(value) for when in _ANY_TIMES)
    if text == other or not text.isprintable():
        raise InvalidValue(
            f"{value!r} is not a valid time format",
            "write true, false, or like '%Y-%m-%d %H:%M:%S'",
        )
    return value


def _clock(value: str) -> str:
    if not _TIME.fullmatch(value):
        raise InvalidValue(f"{value!r} is not a valid time of day", "write e.g. '00:00'")
    return value


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _duration(value: Any) -> Any:
    seconds = parse_duration(str(value)) if not isinstance(value, bool) else 0
    if seconds < 1:
        raise InvalidValue(f"{value!r} is too short", "write e.g. 1h or 1d")
    return seconds


LogPath = Annotated[str, AfterValidator(_path)]
Duration = Annotated[
    float, BeforeValidator(_duration, json_schema_input_type=int | str), Field(allow_inf_nan=False)
]
Clocks = Annotated[
    tuple[Annotated[str, AfterValidator(_clock)], ...],
    BeforeValidator(_one_or_more, json_schema_input_type=str | list[str]),
]


class Rotate(Manifest):
    """When a log file is rotated, and how many are kept."""

    size: Size = Field(10 * 2**20, description="rotate when a file reaches this size")
    every: Duration | None = Field(
        None, description="rotate every 1h, 1d or 7d, counted from a Monday's midnight, local time"
    )
    at: Clocks = Field((), description="rotate at these times of day, local: '00:00'")
    keep: int = Field(7, ge=0, description="rotated files kept beside the current one")
    max_age_days: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="remove rotated files older than this"
    )
    compress: Flag = Field(True, description="compress rotated files: zstd, else gzip")


class Logs(Manifest):
    """Where the output goes; what is not said goes to <state>/logs/<app>/<instance>.out.log."""

    stdout: LogPath | None = Field(
        None, description="file for standard output; may contain <instance> and <app>"
    )
    stderr: LogPath | None = Field(
        None, description="file for standard error; may contain <instance> and <app>"
    )
    merge: Flag = Field(False, description="write standard error into the file of standard output")
    timestamps: Annotated[bool | str, AfterValidator(_format)] = Field(
        True,
        description="write the time before each line: true (UTC), or a strftime format "
        "(local time)",
    )
    format: Literal["text", "json"] = Field("text", description="text, or one JSON object a line")
    rotate: Rotate = Field(Rotate(), description="when to rotate log files, and how many to keep")

    @model_validator(mode="after")
    def _merged_is_one_file(self) -> Logs:
        if self.merge and self.stderr is not None:
            raise InvalidValue(
                "merge puts standard error into stdout's file", "remove stderr or merge"
            )
        return self

    def place(self, stream: Stream) -> str | None:
        """Where a stream goes, ``<instance>`` and all; None for recon's own place."""
        return self.stderr if stream == "err" and not self.merge else self.stdout

    @property
    def mixed(self) -> bool:
        """Whether both streams go to one file."""
        return self.merge or (self.stdout is not None and self.stdout == self.stderr)

    @property
    def is_apart(self) -> bool:
        """Whether each file holds one stream of one instance, in recon's own place."""
        return self.stdout is self.stderr is None and not self.merge
