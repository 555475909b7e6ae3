"""The table of PM2's keys is PM2's own, as the version that npm gives has it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.convert.pm2.schema import KEYS, aliases_of, canonical
from reconciler.convert.supervisor.options import OPTIONS
from tests.convert.conftest import pm2_draft, told

ROOT = Path(__file__).parents[3]
# `Common.verifyConfs` takes these for `script`; they are not in the schema.
_BESIDE = {"script": {"cmd", "command"}}


@pytest.fixture(scope="module")
def schema(package: Callable[[str], Path]) -> dict[str, Any]:
    text = (package("pm2@7") / "lib/API/schema.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def test_every_key_of_pm2_is_mapped_or_has_its_reason(schema: dict[str, Any]) -> None:
    assert set(KEYS) == set(schema)
    for key, rule in KEYS.items():
        assert rule.text, key


def test_every_alias_is_known(schema: dict[str, Any]) -> None:
    for key, rule in schema.items():
        given = rule.get("alias", [])
        theirs = {given} if isinstance(given, str) else set(given)
        assert set(KEYS[key].aliases) - _BESIDE.get(key, set()) == theirs, key


def test_an_alias_is_read_where_the_key_is_not_there() -> None:
    app = {"exec": "a.js", "maxMemoryRestart": "1G", "out": "x", "env_x": {}, "wtf": 1}
    found, unknown = canonical(app)
    assert found == {
        "script": "a.js",
        "max_memory_restart": "1G",
        "out_file": "x",
        "env_x": {},
    }
    assert unknown == ["wtf"]
    assert "kill_timeout" in KEYS and aliases_of("kill_timeout") == ("killTimeout",)


@pytest.mark.parametrize("table", [KEYS, OPTIONS], ids=["pm2", "supervisor"])
def test_the_documentation_says_of_every_key_what_becomes_of_it(table: Mapping[str, Any]) -> None:
    text = (ROOT / "docs/import.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)`[^|]* \| (.*) \|$", text, re.M))
    for key, rule in table.items():
        shown = "env_NAME" if key.startswith("^") else key
        assert rule.text in rows[shown].replace("`", "") or rule.text in rows[shown], key


# A value of each mapped key that asks for something else than is there without it.
_ASKING: Mapping[str, Any] = {
    "script": "b.js", "name": "other", "namespace": "crm", "cwd": "/srv", "args": "x",
    "exec_interpreter": "bun", "node_args": "--inspect", "source_map_support": True,
    "env": {"A": "1"}, "^env_\\S*$": {"A": "1"}, "port": 3000, "increment_var": "N",
    "instance_var": "N", "instances": 2, "exec_mode": "cluster", "max_memory_restart": "300M",
    "out_file": "o.log", "error_file": "e.log", "log_file": "all.log", "log_date_format": "YYYY",
    "time": True, "log_type": "json", "merge_logs": True, "autorestart": False,
    "stop_exit_codes": [0], "restart_delay": 100, "exp_backoff_restart_delay": 100,
    "cron_restart": "0 3 * * *", "autostart": False, "kill_timeout": 3000,
    "shutdown_with_message": True, "wait_ready": True, "listen_timeout": 1000, "uid": "crm",
    "gid": "crm", "watch": True, "ignore_watch": ["x"], "watch_delay": 1000,
}  # fmt: skip
# What is only looked at together with another key.
_BESIDES: Mapping[str, Mapping[str, Any]] = {
    "merge_logs": {"out_file": "o.log", "instances": 2},
    "listen_timeout": {"wait_ready": True, "exec_mode": "cluster", "env": {"PORT": 3000}},
    "ignore_watch": {"watch": True},
    "watch_delay": {"watch": True},
}


def test_no_mapped_key_is_without_effect() -> None:
    """It changes the app, or is told."""
    mapped = {key for key, rule in KEYS.items() if rule.fate is None}
    assert set(_ASKING) == mapped
    for key, value in _ASKING.items():
        app = {"name": "a", "script": "a.js", **_BESIDES.get(key, {})}
        name = "env_production" if key.startswith("^") else key
        assert pm2_draft({**app, name: value}) != pm2_draft(app), key


def test_no_other_key_is_left_out_in_silence() -> None:
    for key, rule in KEYS.items():
        if rule.fate is not None:
            draft = pm2_draft({"name": "a", "script": "a.js", key: "x"})
            assert told(draft, rule.fate)[key] == rule.text
