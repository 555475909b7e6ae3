"""Single values as people may write them: names, commands, sizes, signals, octal modes."""

from __future__ import annotations

import ipaddress
import re
import shlex
import signal
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BeforeValidator, Field, Strict, ValidationInfo

from reconciler.model.spec.base import Manifest
from reconciler.model.words.ids import is_id
from reconciler.model.words.quantity import parse_share, parse_size
from reconciler.model.words.sentence import InvalidValue

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_UMASK = re.compile(r"0?[0-7]{1,3}")
# A reference as container registries take it: [HOST[:PORT]/]PATH[:TAG][@DIGEST].
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,})?"
)
_CRON_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


_LAST_ID = 2**32 - 2
"""The next one is (uid_t)-1, by which the kernel means "leave it as it is"."""
_NO_ACCOUNT = re.compile(r"[-+~]|.*[\s:,/\0]")


def _account(value: Any) -> Any:
    """A name, or a number that is one."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise InvalidValue("must be text", f'write "{value}"')
    if isinstance(value, str):
        if is_id(value):
            if int(value) > _LAST_ID:
                raise InvalidValue(f"{value} is not a valid id", f"the highest is {_LAST_ID}")
        elif not value or _NO_ACCOUNT.match(value) or (value.isnumeric() and not value.isascii()):
            raise InvalidValue(f"{value!r} is not a valid name or id", "write e.g. www-data or 33")
    return value


Account = Annotated[str, BeforeValidator(_account)]
"""A user or a group."""


def _name(value: str) -> str:
    if len(value) > 63 or not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a name: use at most 63 of a-z, 0-9 and '-', not at either end"
        )
    return value


def _words(value: Any) -> Any:
    """A list is exec'd; a string is split as a shell would, without a shell."""
    if isinstance(value, str):
        value = shlex.split(value)
    if isinstance(value, list):
        if not value or not value[0]:
            raise ValueError("a command needs at least a program")
        if any("\0" in str(word) for word in value):
            raise ValueError("a command cannot contain a NUL byte")
    return value


def _signal(value: Any) -> Any:
    names = {name for name in signal.Signals.__members__ if name not in ("SIGKILL", "SIGSTOP")}
    name = value if str(value).startswith("SIG") else f"SIG{value}"
    if name not in names:
        raise InvalidValue(
            f"{value!r} is not a signal that can stop a program", "write e.g. SIGTERM"
        )
    return name


def _umask(value: Any) -> str:
    text = str(value)
    if not _UMASK.fullmatch(text):
        raise InvalidValue(f"{value!r} is not a umask", "write it in octal, e.g. '022'")
    return text[-3:].rjust(3, "0")


def _mode(value: Any) -> str:
    text = str(value)
    if not _UMASK.fullmatch(text):
        raise InvalidValue(f"{value!r} is not a file mode", "write it in octal, e.g. '0660'")
    return text[-3:].rjust(3, "0")


BY_CORES = {"max": 0, "max-1": -1}
"""Words for a number of instances: the cores there are, and so many more."""


def _count(value: Any, info: ValidationInfo) -> Any:
    """A word of ``BY_CORES`` is the number that it stands for, by the ``cores`` in the context."""
    if not isinstance(value, str):
        return value
    if value not in BY_CORES:
        raise ValueError("must be a whole number, `max` (as many as there are cores) or `max-1`")
    return max(1, (info.context or {}).get("cores", 1) + BY_CORES[value])


def _host(value: str) -> str:
    """The canonical form, so that two ways to write an address are one address."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        near = {"localhost": "127.0.0.1", "*": "0.0.0.0, or :: for IPv6 as well"}.get(value)
        hint = near or "127.0.0.1, ::1, or 0.0.0.0 or :: for all"
        raise InvalidValue(f"{value!r} is not an IP address", f"write {hint}") from None


def _cron(value: str) -> str:
    """Cron's five fields, or one of its words; as Kubernetes, six fields are none."""
    text = " ".join(value.split())
    fields = _CRON_WORDS.get(text, text)
    try:
        if len(fields.split(" ")) != 5:
            raise CronSimError("it has five fields")
        next(CronSim(fields, datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        remedy = "write minute, hour, day of month, month and day of week, e.g. '30 3 * * *'"
        words = ", ".join(_CRON_WORDS)
        raise InvalidValue(
            f"{value!r} is not a valid cron schedule", f"{remedy}, or {words}"
        ) from None
    return fields


def _image(value: str) -> str:
    if not _IMAGE.fullmatch(value):
        raise InvalidValue(f"{value!r} is not the name of an image", "write e.g. nginx:1.29")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{value!r} is not a valid time zone on this host"
        raise InvalidValue(message, "write e.g. Europe/Berlin or UTC") from None
    return value


Name = Annotated[str, AfterValidator(_name)]
Cron = Annotated[str, AfterValidator(_cron)]
Image = Annotated[str, AfterValidator(_image)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
# `json_schema_input_type` is what people may write, for `recon schema`.
Command = Annotated[
    tuple[str, ...], BeforeValidator(_words, json_schema_input_type=str | list[str])
]
Signal = Annotated[str, BeforeValidator(_signal)]
Size = Annotated[int, BeforeValidator(parse_size, json_schema_input_type=int | str)]
Share = Annotated[str | int, BeforeValidator(parse_share, json_schema_input_type=str | int)]
Umask = Annotated[str, BeforeValidator(_umask, json_schema_input_type=int | str)]
Mode = Annotated[str, BeforeValidator(_mode, json_schema_input_type=int | str)]
Host = Annotated[str, AfterValidator(_host)]
# Strict: `instances: true` is a mistake, and so is "3" where a number is meant.
Whole = Annotated[int, Strict()]
Instances = Annotated[
    Whole,
    Field(ge=0, le=100_000),
    BeforeValidator(
        _count,
        json_schema_input_type=Annotated[int, Field(ge=0, le=100_000)] | Literal["max", "max-1"],
    ),
]
Flag = Annotated[bool, Strict()]
Seconds = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
ExitCode = Annotated[Whole, Field(ge=0, le=255)]
Port = Annotated[Whole, Field(ge=1, le=65535)]


class PerInstance(Manifest):
    """A number that differs by instance: base + instance number."""

    per_instance: Whole = Field(ge=0)
