"""Where notifications go, and of what: one entry of `Settings.spec.notify`."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from reconciler.model.spec.base import Manifest
from reconciler.model.state.reason import OF_NOTIFICATIONS, EventReason
from reconciler.model.words.appmatch import AppMatch
from reconciler.model.words.closest import closest
from reconciler.model.words.mask import MASK
from reconciler.model.words.sentence import InvalidValue
from reconciler.model.words.values import Account, Command, Name, Seconds, Whole

MOST_TARGETS = 20
"""Entries of a list: each may have a process at work."""
_DAY = 86_400
_PLACES = ("url", "url_file", "webhook", "webhook_file", "command")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.*", re.DOTALL)
_UNFIT = re.compile(r"[\x00-\x20\x7f]")


def _url(value: str) -> str:
    """A URL of Apprise. No message repeats it: it holds passwords and tokens."""
    if not _SCHEME.fullmatch(value) or _UNFIT.search(value):
        remedy = "write e.g. slack://TOKEN_A/TOKEN_B/TOKEN_C, as Apprise's documentation has it"
        raise InvalidValue("is not a URL of a notification service", remedy)
    return value


def _webhook(value: str) -> str:
    """An address for a POST."""
    try:
        parts = urlsplit(value)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_valid = is_valid and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or _UNFIT.search(value):
        raise InvalidValue("is not an address of a web server", "write https://HOST/PATH")
    return value


def _reason(value: Any) -> Any:
    """A reason of an event that may be notified of."""
    if value in OF_NOTIFICATIONS:
        raise InvalidValue(
            f"{value} is about notifications themselves",
            "`recon notify` and `recon events` show it; no notification is sent of it",
        )
    if not isinstance(value, str) or value not in _REASONS:
        near = closest(str(value), _REASONS)
        hint = f", did you mean {near}?" if near else ""
        raise InvalidValue(
            f"{value!r} is not a reason of an event{hint}", "docs/events.md lists them"
        )
    return value


def _apps(value: str) -> str:
    AppMatch.parse(value)
    return value


Url = Annotated[str, AfterValidator(_url)]
Webhook = Annotated[str, AfterValidator(_webhook)]
_REASONS = sorted({one.value for one in EventReason} - OF_NOTIFICATIONS)
Reason = Annotated[
    str, BeforeValidator(_reason), WithJsonSchema({"type": "string", "enum": _REASONS})
]
Apps = Annotated[str, AfterValidator(_apps)]


class NotifyTarget(Manifest):
    """One receiver of notifications: exactly one of url, urlFile, webhook, webhookFile, command.

    Without `reasons` and `severity` it gets a message when an app keeps crashing or cannot be
    started, is not ready, when a rollout or a Job fails, when memory leaks, the disk is full, a
    manifest has a mistake or recon cannot see or write; and one when each is over.
    """

    name: Name | None = Field(
        None, description="what `recon notify` calls it [kind and number, such as slack-1]"
    )
    url: Url | None = Field(
        None,
        repr=False,
        description="a URL of Apprise (slack://, mailto://, tgram://, …): needs the extra `notify`;"
        " it holds a password or token, so urlFile is the better place",
    )
    url_file: str | None = Field(
        None, description="a file whose first line is such a URL, relative to this manifest"
    )
    webhook: Webhook | None = Field(
        None,
        repr=False,
        description="an http:// or https:// address that gets each message as JSON by POST",
    )
    webhook_file: str | None = Field(
        None, description="a file whose first line is such an address, relative to this manifest"
    )
    command: Command | None = Field(
        None,
        description="a program that is run for each message: JSON on its standard input, and "
        "variables RECON_NOTIFY_ID, _KIND, _SUBJECT, _TEXT, _HOST, _TARGET; exit code 0 is success",
    )
    user: Account | None = Field(
        None, description="the user that `command` runs as; needs root [the user of the controller]"
    )
    reasons: tuple[Reason, ...] = Field(
        (), description="only events with these reasons, and the end of each problem [see above]"
    )
    apps: tuple[Apps, ...] = Field(
        (),
        description="only of these apps: names with * and ?, or labels as tier=api,env!=dev; events"
        " of recon itself are then left out [all apps, and recon itself]",
    )
    severity: Literal["Normal", "Warning"] | None = Field(
        None,
        description="Warning: all warnings; Normal: all events. With `reasons`: only those of them "
        "that are at least so severe",
    )
    group_seconds: Seconds = Field(
        10, le=3600, description="what happens within this time is one message"
    )
    recovery_seconds: Seconds = Field(
        60,
        le=_DAY,
        description="a crash loop is over when the app has run this long without an end, and twice "
        "as long as between two of its crashes",
    )
    max_per_hour: Whole = Field(
        20,
        ge=1,
        le=1000,
        description="messages an hour, and up to 5 at once; what comes in between waits and is put "
        "into one message",
    )
    timeout_seconds: Seconds = Field(
        30, gt=0, le=600, description="a try that takes longer is ended, and made again"
    )
    give_up_seconds: Seconds = Field(
        _DAY, ge=1, le=7 * _DAY, description="a message is tried again for this long"
    )

    @model_validator(mode="after")
    def _has_one_place(self) -> NotifyTarget:
        given = [place for place in _PLACES if getattr(self, place) is not None]
        if len(given) != 1:
            names = "url, urlFile, webhook, webhookFile and command"
            found = "none is written" if not given else f"{len(given)} are written"
            raise InvalidValue(f"needs exactly one of {names}", found)
        if self.user is not None and self.command is None:
            raise InvalidValue("user is only for command", "remove it")
        return self

    @property
    def kind(self) -> str:
        """``slack``, ``mailto``, ``webhook``, ``command``, or ``url`` where a file has it."""
        if self.url is not None:
            return self.url.partition("://")[0].lower()
        if self.url_file is not None:
            return "url"
        return "command" if self.command is not None else "webhook"


def masked(target: NotifyTarget) -> NotifyTarget:
    """The same without what is secret of its address: it can be shown, and not used."""
    changes: dict[str, str] = {}
    if target.url is not None:
        changes["url"] = f"{target.kind}://{MASK}"
    if target.webhook is not None:
        parts = urlsplit(target.webhook)
        port = f":{parts.port}" if parts.port else ""
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        changes["webhook"] = f"{parts.scheme}://{host}{port}/{MASK}"
    return target.model_copy(update=changes) if changes else target


def named(targets: tuple[NotifyTarget, ...]) -> dict[str, NotifyTarget]:
    """The targets by name; those without one are called by their kind and a number."""
    count: Counter[str] = Counter()
    given = {target.name for target in targets}
    found: dict[str, NotifyTarget] = {}
    for target in targets:
        name = target.name
        while name is None or (target.name is None and name in given):
            kind = re.sub(r"[^a-z0-9]+", "-", target.kind).strip("-") or "url"
            count[kind] += 1
            name = f"{kind}-{count[kind]}"
        found[name] = target
    return found


def _unique(targets: tuple[NotifyTarget, ...]) -> tuple[NotifyTarget, ...]:
    names = Counter(target.name for target in targets if target.name is not None)
    twice = next((name for name, count in names.items() if count > 1), None)
    if twice is not None:
        raise InvalidValue(f"two entries have the name {twice}", "a name must be unique")
    if len(targets) > MOST_TARGETS:
        raise InvalidValue(f"{len(targets)} entries are too many", f"{MOST_TARGETS} are allowed")
    return targets


Notify = Annotated[tuple[NotifyTarget, ...], AfterValidator(_unique)]
