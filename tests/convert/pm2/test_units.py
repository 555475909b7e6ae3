"""Sizes and times are read as PM2 reads them, and what it refuses is never dropped in silence."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.convert.manifests.draft import Draft, Fate
from reconciler.convert.manifests.finalise import bundle
from reconciler.convert.pm2.units import seconds_of, size_of
from tests.convert.conftest import MANIFESTS, pm2_draft, problems, told

_ASK = """
const Config = require(process.argv[1] + '/lib/tools/Config.js');
const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const config = ([key, value]) => Config.validateJSON({ script: 'a.js', [key]: value }).config;
const read = (one) => config(one)[one[0]] ?? null;
process.stdout.write(JSON.stringify(asked.map(read)));
"""
_SIZES = ["300M", "3000K", "2G", "1e9", 2e6, "3000000", "0", 0, "", None, False, 314572800]
_TIMES = ["3000", 5000, 4000.5, "1600", 0, "", None, False, 1, "1e3"]
_BYTES = {"K": 2**10, "M": 2**20, "G": 2**30}


def in_bytes(size: str | int | None) -> int | None:
    if isinstance(size, str):
        return int(size[:-1]) * _BYTES[size[-1]]
    return size


def test_what_pm2_reads_is_what_pm2_reads(package: Callable[[str], Path]) -> None:
    sizes = [("max_memory_restart", size) for size in _SIZES]
    times = [
        (key, time)
        for key in ("kill_timeout", "restart_delay", "listen_timeout", "watch_delay")
        for time in _TIMES
    ]
    done = subprocess.run(
        ["node", "-e", _ASK, str(package("pm2@7"))],
        input=json.dumps([*sizes, *times]),
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(done.stdout)
    draft = Draft("x", "/x")
    for (key, value), read in zip(sizes, theirs, strict=False):
        assert in_bytes(size_of({key: value}, key, draft)) == (int(read) if read else None), value
    for (key, value), read in zip(times, theirs[len(sizes) :], strict=True):
        assert seconds_of({key: value}, key, draft) == (read / 1000 if read else None), value


@pytest.mark.parametrize(
    ("given", "memory"),
    [
        ("500MB", "500M"),
        ("1.5G", "1536M"),
        ("300m", "300M"),
        (" 300M", "300M"),
        ("512 MiB", "512M"),
        ("1GB", "1G"),
        ("1T", "1024G"),
        ("1.0001K", "1K"),
    ],
)
def test_a_size_that_pm2_refuses_is_read_as_meant_and_told(given: str, memory: str | int) -> None:
    draft = drafted(max_memory_restart=given)
    assert draft.spec["limits"] == {"memory": memory}
    assert "not a valid size in PM2" in told(draft, Fate.CHANGED)["max_memory_restart"]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("5s", 5), ("5m", 300), ("1h", 3600), ("500ms", 0.5), ("1.5s", 1.5), ("10 sec", 10)],
)
@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("kill_timeout", ("terminationGracePeriodSeconds",)),
        ("restart_delay", ("backoff", "initialSeconds")),
        ("exp_backoff_restart_delay", ("backoff", "initialSeconds")),
        ("watch_delay", ("watch", "settleSeconds")),
    ],
)
def test_a_time_that_pm2_refuses_is_read_as_meant_and_told(
    key: str, path: tuple[str, ...], given: str, seconds: float
) -> None:
    draft = drafted(**{key: given}, watch=True)
    found: Any = draft.spec
    for step in path:
        found = found[step]
    assert found == seconds
    notes = [note.text for note in draft.notes if (note.fate, note.key) == (Fate.CHANGED, key)]
    assert any("not a time in PM2" in text for text in notes)


@pytest.mark.parametrize("given", ["lots", "M", "-1", -5, True, [5], {"a": 1}, "5 apples", "1e99"])
@pytest.mark.parametrize(
    "key", ["max_memory_restart", "kill_timeout", "restart_delay", "exp_backoff_restart_delay"]
)
def test_a_value_that_nobody_can_read_is_to_be_done(key: str, given: Any) -> None:
    draft = drafted(**{key: given})
    assert "is not a " in told(draft, Fate.TODO)[key]
    assert not {"limits", "backoff", "terminationGracePeriodSeconds"} & draft.spec.keys()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("listen_timeout", "soon"),
        ("watch_delay", "soon"),
        ("stop_exit_codes", ["never"]),
        ("stop_exit_codes", 4000),
        ("port", "http"),
        ("instances", "many"),
    ],
)
def test_every_other_number_that_cannot_be_read_is_told_with_its_key(key: str, value: Any) -> None:
    draft = drafted(**{key: value}, watch=True, wait_ready=True)
    assert key in {note.key for note in draft.notes if note.fate in (Fate.TODO, Fate.CHANGED)}


@pytest.mark.parametrize("given", [300, "300", 5, "1e3"])
def test_a_limit_of_a_few_bytes_is_read_as_pm2_does_and_is_to_be_done(given: Any) -> None:
    draft = drafted(max_memory_restart=given)
    assert "limits" not in draft.spec
    assert f"{int(float(given))} bytes" in told(draft, Fate.TODO)["max_memory_restart"]


def drafted(**keys: Any) -> Draft:
    draft = pm2_draft({"name": "a", "script": "a.js", **keys})
    assert not problems(bundle([draft], MANIFESTS))
    return draft
