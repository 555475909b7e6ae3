"""Whatever stands in a field: a problem of its file at most, for this controller and the next.

Each field of the manifests' schema gets values of right and wrong types through the real loader,
and what is loaded goes the way of a controller's start: builders, hashes, the journal and back,
a rebuilt revision, the plan, the documents that are shown.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from reconciler.api.documents.status import change_document, status_document
from reconciler.checks.enforceable import unenforceable
from reconciler.checks.redact import Redactor
from reconciler.desired.directory.store import ManifestStore
from reconciler.desired.manifest.builder import with_builder
from reconciler.desired.manifest.resolve import rebuild
from reconciler.diff.core import history
from reconciler.diff.plan import plan
from reconciler.diff.prune import absences
from reconciler.diff.status.review import last_spec
from reconciler.model.spec.manifest import App, AppManifestSpec, Job, JobManifestSpec, Settings
from reconciler.model.state.desired import Source, Workload
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Observed
from reconciler.observed.host.facts import gather
from reconciler.observed.processes.credibility import uid_of
from reconciler.state.journal.journal import Journal

GOOD = {
    "apiVersion": "recon/v1",
    "kind": "App",
    "metadata": {"name": "good"},
    "spec": {"command": ["sleep", "1000"]},
}
FACTS = gather()
BESIDE: dict[str, Any] = {
    "command": ["sleep", "1"],
    "name": "a",
    "port": 8000,
    "app": "good",
    "value": "v",
    "paths": ["."],
    "inputs": ["."],
    "apiVersion": "recon/v1",
    "metadata": {"name": "web"},
    "secretFile": "x",
    "fromEnv": "PATH",
    "credential": "x",
    "file": "x",
    "perInstance": 1,
    "spec": {"command": ["sleep", "1"]},
    "instances": 1,
    "seconds": 1,
}
"""What stands beside a field where it is required."""
STRANGE: list[Any] = [
    *("²", "٣", "1e400", "9" * 5000, "/" * 5000, "a" * 300, "../" * 200, "%", "{", "\u202e"),
    *("\0", "a\0b", "\ud800", "\U0001f600", "-", "", " ", "\n", "~", "$(A)", "'", "*", "\udcff"),
    *("(" * 500 + ")" * 500, "[" * 500, "(?i" * 60, "a{99999999999}", "-1", "4294967295", "1e9"),
    *("/proc/kmsg", "/dev/zero", "/", "max", "max-1", "inf", "nan", "0x10", "22:22", "@daily"),
    *(10**399, -(10**399), 2**63, 2**31, -1, 0, 1e308, -0.0, 5e-324, float("inf"), float("nan")),
    *(None, True, False, [], {}, [[]], {"": {}}, {"a": None}, ["\0"], {"\0": "\0"}, {"\ud800": 1}),
]


def deep(levels: int, value: Any) -> Any:
    for _ in range(levels):
        value = [value] if levels % 2 else {"a": value}
    return value


def fields(model: type[BaseModel]) -> Iterator[tuple[str | int, ...]]:
    """The path of every field of a model; ``"A"`` is a key of a map, 0 an item of a list."""
    schema = model.model_json_schema(by_alias=True)
    yield from _below(schema, schema.get("$defs", {}), (), ())


def _below(
    schema: dict[str, Any],
    models: dict[str, Any],
    path: tuple[str | int, ...],
    inside: tuple[str, ...],
) -> Iterator[tuple[str | int, ...]]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in inside:
            yield from _below(models[name], models, path, (*inside, name))
    for branch in schema.get("anyOf", ()):
        yield from _below(branch, models, path, inside)
    for name, field in schema.get("properties", {}).items():
        yield (*path, name)
        yield from _below(field, models, (*path, name), inside)
    for key, step in (("items", 0), ("additionalProperties", "A")):
        if isinstance(schema.get(key), dict):
            yield (*path, step)
            yield from _below(schema[key], models, (*path, step), inside)


def placed(path: tuple[str | int, ...], value: Any) -> Any:
    """``value`` at a path, with what is required beside it."""
    for index in range(len(path) - 1, -1, -1):
        step = path[index]
        value = [value] if step == 0 else {str(step): value}
    return value


def completed(model: type[BaseModel], data: Any, kind: str) -> dict[str, Any]:
    """With what a manifest needs at least."""
    schema = model.model_json_schema(by_alias=True)
    found = _completed(schema, schema.get("$defs", {}), data)
    return {"apiVersion": "recon/v1", "kind": kind, **found}


def _completed(schema: dict[str, Any], models: dict[str, Any], data: Any) -> Any:
    if "$ref" in schema:
        return _completed(models[schema["$ref"].rpartition("/")[2]], models, data)
    if isinstance(data, dict):
        for branch in schema.get("anyOf", ()):
            data = _completed(branch, models, data)
        known = schema.get("properties", {})
        if known and not data.keys() <= known.keys():
            return data
        beside = {name: BESIDE[name] for name in schema.get("required", ()) if name in BESIDE}
        more = schema.get("additionalProperties")
        inner = {
            name: _completed(known.get(name, more if isinstance(more, dict) else {}), models, one)
            for name, one in data.items()
        }
        return {**beside, **inner}
    if isinstance(data, list):
        for branch in schema.get("anyOf", ()):
            data = _completed(branch, models, data)
        return [_completed(schema.get("items", {}), models, one) for one in data]
    return data


PLACES: list[tuple[type[BaseModel], str, tuple[str | int, ...]]]
PLACES = [(App, "App", ("spec", *path)) for path in fields(AppManifestSpec)]
PLACES += [(Job, "Job", ("spec", *path)) for path in fields(JobManifestSpec)]
PLACES += [(App, "App", path) for path in fields(App) if path[0] != "spec"]
PLACES += [(Settings, "Settings", ("spec", "defaults", *path)) for path in fields(AppManifestSpec)]
PLACES += [(Settings, "Settings", path) for path in fields(Settings)]
VALUES = st.one_of(
    st.sampled_from(STRANGE),
    st.text(st.characters(), max_size=20),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.recursive(
        st.none() | st.booleans() | st.text(st.characters(), max_size=5) | st.integers(0, 99999),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    st.builds(deep, st.integers(1, 90), st.sampled_from(STRANGE)),
)


def start_of_a_controller(folder: Path) -> frozenset[str]:
    """Do what a controller does with manifests, and with its memory of them; the apps' names."""
    store = ManifestStore(
        folder / "manifests",
        key=b"k" * 32,
        refusals=lambda spec: unenforceable(spec, FACTS),
        state=folder,
        cores=2,
    )
    desired = store.scan()
    for problem in desired.problems:
        assert "fault in recon" not in problem.message
        assert problem.line == 0 or problem.column > 0
        json.dumps(str(problem)).encode()
    journal = Journal(folder / "recon.db", "boot")
    redact = Redactor()
    for declared in desired.apps.values():
        for app in with_builder(declared, lambda one: one):
            redact.learn(app)
            uid_of(app.spec)
            journal.remember(app.name, history.record(AppMemory(), app), app.source.file)
    assert journal.commit() is None
    memories = journal.memories()
    journal.close()
    for name, memory in memories.items():
        last_spec(memory)
        spec = memory.revisions[-1].spec
        again = rebuild(name, spec, Source(str(folder / "a.yaml"), 1), key=b"k" * 32)
        assert isinstance(again, Workload)
    known = dict.fromkeys([*memories, "gone"])
    verdicts = absences(desired, known, {"gone": 2})
    made = plan(desired, Observed(), memories, 1000.0, verdicts)
    json.dumps(status_document(made, {}, {}, 1000.0, 1e9)).encode()
    json.dumps(change_document(made, {})).encode()
    return frozenset(desired.apps)


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.sampled_from(PLACES), VALUES)
def test_no_value_of_any_field_is_more_than_a_problem_of_its_file(
    place: tuple[type[BaseModel], str, tuple[str | int, ...]], value: Any
) -> None:
    model, kind, path = place
    document = completed(model, placed(path, value), kind)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "manifests").mkdir()
        (folder / "manifests/good.json").write_text(json.dumps(GOOD))
        file = "recon.yaml" if kind == "Settings" else "web.json"
        (folder / "manifests" / file).write_text(json.dumps(document))
        names = start_of_a_controller(folder)
        assert kind == "Settings" or "good" in names  # whose defaults hold for other files, too
