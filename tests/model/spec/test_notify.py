"""Targets of notifications: each mistake at its field, and no secret in any message."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.desired.directory.footing import Footing
from reconciler.desired.manifest.validate import Complaint, validate
from reconciler.model.spec.manifest import Settings, SettingsSpec
from reconciler.model.spec.notify import NotifyTarget, masked, named


def read(*targets: Any) -> Settings | list[Complaint]:
    spec = {"notify": [*targets]}
    return validate(Settings, {"apiVersion": "recon/v1", "kind": "Settings", "spec": spec})


@pytest.mark.parametrize(
    ("target", "path", "message"),
    [
        ({}, (0,), "needs exactly one of url, urlFile, webhook, webhookFile and command"),
        ({"url": "slack://a", "command": "x"}, (0,), "needs exactly one of"),
        ({"url": "s3cr3t"}, (0, "url"), "is not a URL of a notification service"),
        ({"url": "slack://s3cr3t\nBcc: x"}, (0, "url"), "is not a URL of a notification service"),
        ({"webhook": "file:///s3cr3t"}, (0, "webhook"), "is not an address of a web server"),
        ({"webhook": "https://:s3cr3t/"}, (0, "webhook"), "is not an address of a web server"),
        ({"webhook": "https://h:99999/"}, (0, "webhook"), "is not an address of a web server"),
        ({"webhook": "https://[s3cr3t/"}, (0, "webhook"), "is not an address of a web server"),
        ({"command": []}, (0, "command"), "a command needs at least a program"),
        ({"webhook": "https://h", "user": "a"}, (0,), "user is only for command"),
        ({"command": "x", "reasons": ["Backoff"]}, (0, "reasons", 0), "did you mean BackOff?"),
        ({"command": "x", "reasons": [7]}, (0, "reasons", 0), "7 is not a reason"),
        ({"command": "x", "reasons": ["NotifierFailed"]}, (0, "reasons", 0), "is about notif"),
        ({"command": "x", "apps": ["we b"]}, (0, "apps", 0), "is not a name nor labels"),
        ({"command": "x", "severity": "warning"}, (0, "severity"), "'Normal' or 'Warning'"),
        ({"command": "x", "maxPerHour": 0}, (0, "maxPerHour"), "must be at least 1"),
        ({"command": "x", "giveUpSeconds": 1e9}, (0, "giveUpSeconds"), "must be at most"),
        ({"command": "x", "name": "No Name"}, (0, "name"), "is not a name"),
    ],
)
def test_a_mistake_is_named_at_its_field(
    target: dict[str, Any], path: tuple[Any, ...], message: str
) -> None:
    found = read(target)
    assert isinstance(found, list)
    assert found[0].path == ("spec", "notify", *path) and message in found[0].message
    assert "s3cr3t" not in repr(found)


def test_names_are_unique_and_their_number_has_a_limit() -> None:
    twice = read({"name": "a", "command": "x"}, {"name": "a", "command": "x"})
    assert isinstance(twice, list) and "two entries have the name a" in twice[0].message
    many = read(*[{"command": "x"}] * 21)
    assert isinstance(many, list) and "21 entries are too many" in many[0].message


def test_those_without_a_name_are_called_by_their_kind() -> None:
    targets = [
        {"url": "slack://a/b/c"},
        {"name": "slack-1", "url": "slack://d/e/f"},
        {"urlFile": "x"},
        {"webhook": "https://h"},
        {"command": "x"},
        {"url": "Mailto+x://a"},
    ]
    found = named(tuple(map(NotifyTarget.model_validate, targets)))
    assert [*found] == ["slack-2", "slack-1", "url-1", "webhook-1", "command-1", "mailto-x-1"]


def test_an_address_is_in_no_representation() -> None:
    target = NotifyTarget.model_validate({"webhook": "https://me:s3cr3t@h:8443/s3cr3t?k=s3cr3t"})
    assert "s3cr3t" not in repr(target)
    assert masked(target).webhook == "https://h:8443/***"
    six = NotifyTarget.model_validate({"webhook": "http://[::1]:80/s3cr3t"})
    assert masked(six).webhook == "http://[::1]:80/***"
    assert masked(NotifyTarget.model_validate({"url": "slack://s3cr3t"})).url == "slack://***"


def test_what_was_good_last_is_remembered_without_secrets() -> None:
    settings = SettingsSpec.model_validate(
        {"maxPrune": 3, "notify": [{"url": "slack://s3cr3t"}, {"urlFile": "/x", "apps": ["web"]}]}
    )
    text = Footing(settings, None).to_text()
    assert "s3cr3t" not in text
    again = Footing.from_text(text)
    assert again is not None and again.settings.max_prune == 3
    assert [target.url for target in again.settings.notify] == ["slack://***", None]
    assert again.settings.notify[1] == settings.notify[1]


def test_a_target_that_only_a_later_release_can_read_is_left_out() -> None:
    text = '{"profile": null, "settings": {"maxPrune": 3}, "notify": [{"pigeon": "x"}, 7]}'
    again = Footing.from_text(text)
    assert again is not None and again.settings.notify == () and again.settings.max_prune == 3
