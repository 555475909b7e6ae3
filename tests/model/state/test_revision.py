"""Revision hashes: golden, blind to what is not the template, and honest about secrets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.revision import (
    Revision,
    hash_of,
    marks_of,
    same_revision,
    spec_of,
    template_of,
)
from reconciler.model.words.fields import Effect, effects

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def _hash(spec: dict[str, Any], marks: dict[str, str] | None = None) -> str:
    made = AppSpec.model_validate({"command": ["a"], "cwd": "/srv", **spec})
    return hash_of(template_of(made), {} if marks is None else marks)


@pytest.mark.parametrize(
    ("spec", "golden"),
    [
        ({}, "c849ca7ad241.-"),
        ({"env": {"A": "1", "PORT": {"perInstance": 3000}}}, "0e6506fd1a22.-"),
        ({"user": "crm", "umask": "027", "envFrom": [".env"]}, "cc3effafe20d.-"),
    ],
)
def test_a_new_release_restarts_nothing(spec: dict[str, Any], golden: str) -> None:
    """If this fails, an upgrade would replace every process of every user: fix the code."""
    assert _hash(spec) == golden


IN_PLACE: dict[str, Any] = {
    "image": "registry.example/web:1",
    "instances": 7,
    "strategy": {"type": "Recreate"},
    "startupProbe": {"log": "up"},
    "readinessProbe": {"tcpSocket": {"port": 1}},
    "livenessProbe": {"notify": True},
    "minReadySeconds": 3,
    "progressDeadlineSeconds": 77,
    "revisionHistoryLimit": 3,
    "restartPolicy": "Never",
    "successExitCodes": [78],
    "backoff": {"initialSeconds": 2},
    "stop": {"signal": "SIGINT"},
    "terminationGracePeriodSeconds": 3,
    "limits": {"memory": "300Mi", "nice": 5, "cpu": 1.5},
    "logs": {"timestamps": False},
    "dependsOn": [{"app": "db", "restart": True}],
    "suspend": True,
    "watch": {"paths": ["dist"]},
    "restartSchedule": "0 3 * * *",
    "timeZone": "Europe/Berlin",
    "build": {"command": "make", "inputs": ["src"]},
}


def test_the_hash_is_blind_to_every_field_that_is_applied_in_place() -> None:
    fields = {name for name, effect in effects(AppSpec).items() if effect is Effect.IN_PLACE}
    assert IN_PLACE.keys() == fields, "a new field: say here what it may hold"
    for name, value in IN_PLACE.items():
        assert _hash({name: value}) == _hash({}), name


TEMPLATE: dict[str, Any] = {
    "command": ["b"],
    "cwd": "/other",
    "env": {"A": "1"},
    "envFrom": [".env"],
    "user": "crm",
    "group": "crm",
    "umask": "022",
    "supplementaryGroups": ["adm", 4],
    "noNewPrivileges": True,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyPaths": ["/etc"],
    "privateTmp": True,
    "sockets": [{"name": "http", "port": 3000}],
    "watched": {"dist": "c0ffee"},
    "built": "c0ffee",
}


def test_the_hash_sees_every_field_of_the_template() -> None:
    fields = {name for name, effect in effects(AppSpec).items() if effect is Effect.REPLACES}
    assert TEMPLATE.keys() == fields, "a new field: say here what it may hold"
    hashes = {_hash({name: value}) for name, value in TEMPLATE.items()}
    assert len(hashes | {_hash({})}) == len(TEMPLATE) + 1


def test_a_job_is_another_template_than_an_app_of_the_same_program() -> None:
    job = JobSpec.model_validate({"command": ["a"], "cwd": "/srv"})
    assert template_of(job) == {"command": ["a"], "cwd": "/srv", "kind": "Job"}
    assert hash_of(template_of(job), {}) == "f6db85992169.-"


@given(st.dictionaries(st.sampled_from("ABCDE"), st.text(st.characters(exclude_characters="\0"))))
def test_the_order_of_a_map_is_no_change(env: dict[str, str]) -> None:
    backwards = dict(reversed(env.items()))
    assert _hash({"env": env}) == _hash({"env": backwards})


@pytest.mark.parametrize("empty", [{"env": {}}, {"envFrom": []}, {"user": None}])
def test_an_empty_value_says_no_more_than_silence(empty: dict[str, Any]) -> None:
    assert _hash(empty) == _hash({})


def test_a_command_may_be_written_in_either_form() -> None:
    assert _hash({"command": "node 'dist/main.js' -x"}) == _hash(
        {"command": ["node", "dist/main.js", "-x"]}
    )


def test_a_changed_secret_is_another_revision() -> None:
    one, two = (hash_of({}, marks_of({"P": value}, KEY)) for value in ("x", "y"))
    assert not same_revision(one, two)
    assert same_revision(one, hash_of({}, marks_of({"P": "x"}, KEY)))


def test_a_lost_key_counts_as_unchanged() -> None:
    one = hash_of({}, marks_of({"P": "x"}, KEY))
    assert same_revision(one, hash_of({}, marks_of({"P": "x"}, OTHER_KEY)))


def test_secrets_that_cannot_be_read_are_no_drift() -> None:
    known, unknown = hash_of({}, marks_of({"P": "x"}, KEY)), hash_of({}, None)
    assert same_revision(known, unknown)
    assert same_revision(unknown, hash_of({}, {}))
    assert marks_of({"P": "x"}, None) is None
    assert marks_of(None, KEY) is None


def test_a_secret_that_came_or_went_is_another_revision_whatever_the_key() -> None:
    assert not same_revision(hash_of({}, {}), hash_of({}, marks_of({"P": "x"}, KEY)))


def test_another_template_is_another_revision_whatever_is_unknown() -> None:
    assert not same_revision(hash_of({"command": ["a"]}, None), hash_of({"command": ["b"]}, None))


def test_a_credential_is_marked_by_its_bytes() -> None:
    marks = [marks_of({"P": data}, KEY) for data in (b"\0\xff", b"\0\xfe", b"\0\xff")]
    assert marks[0] == marks[2] != marks[1]


def test_a_mark_cannot_be_guessed_without_the_key() -> None:
    """What is stored of a secret says nothing to who knows the secret, but not the key."""
    right, wrong = marks_of({"P": "1234"}, KEY), marks_of({"P": "1234"}, OTHER_KEY)
    assert right is not None and wrong is not None
    assert right["P"].partition("-")[2] != wrong["P"].partition("-")[2]
    assert right["P"].partition("-")[2] not in hash_of({}, {"P": "1234"})


@given(st.text(min_size=6))
def test_no_secret_shows_in_a_hash_or_a_mark(secret: str) -> None:
    marks = marks_of({"P": secret}, KEY)
    assert marks is not None
    assert secret not in marks["P"]
    assert secret not in hash_of({}, marks)


@given(
    st.sampled_from([None, {}, {"P": "x"}, {"P": "y"}, {"P": "x", "Q": "z"}]),
    st.sampled_from([None, {}, {"P": "x"}, {"P": "y"}]),
    st.sampled_from([KEY, OTHER_KEY, None]),
)
def test_sameness_is_symmetric_and_reflexive(
    left: dict[str, str] | None, right: dict[str, str] | None, key: bytes | None
) -> None:
    a, b = hash_of({}, marks_of(left, KEY)), hash_of({}, marks_of(right, key))
    assert same_revision(a, b) == same_revision(b, a)
    assert same_revision(a, a)


def test_a_spec_of_another_release_is_known_as_far_as_it_is_valid() -> None:
    later = {
        "command": ["x"],
        "strategy": {"type": "BlueGreen"},
        "stop": {"signal": "SIGINT", "mood": "calm"},
        "terminationGracePeriodSeconds": 7,
        "weather": "fine",
    }
    known = spec_of(Revision(1, "a.-", later))
    assert known.command == ("x",) and known.termination_grace_period_seconds == 7
    assert isinstance(known, AppSpec)
    assert known.strategy == AppSpec(command=("x",)).strategy
    assert spec_of(Revision(1, "a.-", {})).command == ("unknown",)
