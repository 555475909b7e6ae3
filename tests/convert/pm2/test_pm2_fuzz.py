"""Whatever an ecosystem file holds, the import is a sentence or manifests that are valid."""

from __future__ import annotations

import json
import tempfile
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.convert.errors import ImportFault
from reconciler.convert.manifests.finalise import bundle
from reconciler.convert.pm2.running import running
from reconciler.convert.pm2.schema import KEYS, aliases_of
from tests.convert.conftest import HOST, MANIFESTS, manifests, pm2_draft, problems

_JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from([{"$": "undefined"}, {"$": "a function"}, {"$": "a regular expression"}]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
_LIKELY = st.sampled_from(
    ["true", "max", "300M", "10s", "cluster", "fork", "a.js", "npm", "x y", "0", "-1", "/", "..",
     "node@1", "none", "python", "NULL", "~/x", "\0", "YYYY", "json", "SIGTERM", "=", "'", "{{"]
) | st.sampled_from([0, 1, -1, 2, 3000, 10**9, 10**400, 0.5, True, False])  # fmt: skip
_ENV = st.dictionaries(st.from_regex(r"[A-Z_]{1,6}", fullmatch=True), _LIKELY | _JUNK, max_size=4)
_WORDS = [key for key in KEYS if "\\" not in key]
_WORDS += [alias for key in KEYS for alias in aliases_of(key)]
_APP = st.builds(
    lambda base, env, profiles: {
        "script": "a.js",
        **base,
        **({"env": env} if env else {}),
        **{f"env_{name}": value for name, value in profiles.items()},
    },
    st.dictionaries(st.sampled_from(_WORDS), _LIKELY | _JUNK, max_size=12),
    _ENV,
    st.dictionaries(st.text(max_size=4), _ENV | _JUNK, max_size=3),
)


@settings(max_examples=600, deadline=None)
@given(st.lists(_APP, min_size=1, max_size=3))
def test_the_result_is_always_valid(apps: list[dict[str, Any]]) -> None:
    try:
        found = bundle([pm2_draft(app) for app in apps], MANIFESTS)
    except ImportFault as fault:
        assert str(fault)
        return
    assert not problems(found)
    names = {
        name
        for document in manifests(found).values()
        for name in document["spec"].get("profiles", {})
    }
    for profile in names:
        assert not problems(found, profile)
    written = str(found.manifests)
    for value in found.vault.files.values():
        assert len(value) < 12 or value not in written


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.from_regex(r"[A-Z]{1,5}", fullmatch=True), st.text(), max_size=5))
def test_texts_of_variables_survive(env: dict[str, str]) -> None:
    found = bundle([pm2_draft({"name": "a", "script": "a.js", "env": env})], MANIFESTS)
    (document,) = manifests(found).values()
    values = document["spec"].get("env", {})
    by_path = {
        path.removeprefix(f"{MANIFESTS}/"): value for path, value in found.vault.files.items()
    }
    read = {
        name: by_path[value["secretFile"]] if isinstance(value, dict) else value
        for name, value in values.items()
    }
    assert read == {name: text for name, text in env.items() if "\0" not in text}


@settings(max_examples=200, deadline=None)
@given(entries=st.lists(st.dictionaries(
    st.sampled_from(["name", "pm_exec_path", "pm_cwd", "env", "args", "exec_interpreter", "status",
                     "pm2_env", "pm_out_log_path", "exec_mode", "increment_var", "node_args"]),
    _LIKELY | _JUNK | _ENV, max_size=9), max_size=3))  # fmt: skip
def test_whatever_pm2_remembers_is_a_sentence_or_valid(
    entries: list[dict[str, Any]],
) -> None:
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".pm2") as file:
            json.dump(entries, file)
            file.flush()
            drafts, _ = running([file.name], HOST)
        found = bundle(drafts, MANIFESTS)
    except ImportFault as fault:
        assert str(fault)
        return
    assert not problems(found)
