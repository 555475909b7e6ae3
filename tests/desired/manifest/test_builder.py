"""The Job that builds an app: who it is, what it is made of, and when it is another."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from reconciler.desired.manifest.builder import with_builder
from reconciler.desired.manifest.resolve import rebuild
from reconciler.desired.watched.content import with_content
from reconciler.diff.core.history import record
from reconciler.diff.status.fields import changed_fields
from reconciler.model.spec.job import ConcurrencyPolicy
from reconciler.model.state.builder import builder_name, built_by
from reconciler.model.state.desired import DesiredApp, DesiredJob, Problem, Workload
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.revision import document_of, same_revision
from tests.desired.conftest import Folder

BUILD = "  build: {command: [sh, -c, make], inputs: [src], env: {CI: '1'}, timeoutSeconds: 60}\n"


def seen(**content: str) -> Callable[[Workload], Workload]:
    """As the controller looks at what an app, or its builder, watches."""

    def look(app: Workload) -> Workload:
        watched: Mapping[str, str] = {path: content[path] for path in _paths(app)}
        return with_content(app, watched)

    return look


def _paths(app: Workload) -> tuple[str, ...]:
    return app.spec.watch.paths if app.spec.watch is not None else ()


def declared(folder: Folder, text: str = BUILD, key: bytes | None = b"k") -> DesiredApp:
    folder.app("web", text)
    store = folder.scanned(key=key)
    assert not store.problems
    app = store.apps["web"]
    assert isinstance(app, DesiredApp)
    return app


def both(app: DesiredApp, **content: str) -> tuple[DesiredJob, DesiredApp]:
    builder, built = with_builder(app, seen(**content))
    assert isinstance(builder, DesiredJob) and isinstance(built, DesiredApp)
    assert built.builder is builder
    return builder, built


def test_an_app_without_a_build_has_no_builder(folder: Folder) -> None:
    app = declared(folder, "")
    assert [*with_builder(app, seen())] == [app]


def test_the_builder_is_a_job_that_is_tried_once_and_has_its_time(folder: Folder) -> None:
    builder, _ = both(declared(folder), src="1")
    assert (builder.name, built_by(builder.name)) == (builder_name("web"), "web")
    assert built_by("web") is None
    assert builder.spec.schedule is None
    assert builder.spec.backoff_limit == 0
    assert builder.spec.active_deadline_seconds == 60
    assert builder.spec.concurrency_policy is ConcurrencyPolicy.FORBID


def test_the_builder_is_where_and_who_the_app_is_and_is_told_nothing_else(folder: Folder) -> None:
    folder.write("secret", "plainly-not-a-key\n")
    more = "  env: {NODE_ENV: production, S: {secretFile: secret}}\n  umask: '077'\n"
    more += "  noNewPrivileges: true\n  restartSchedule: '@daily'\n  instances: 3\n"
    builder, app = both(declared(folder, BUILD + more), src="1")
    assert builder.environment(0) == {"CI": "1"}
    assert builder.secrets == {}
    for field in ("cwd", "umask", "no_new_privileges"):
        assert getattr(builder.spec, field) == getattr(app.spec, field)
    assert builder.spec.schedule is None
    assert app.environment(0)["NODE_ENV"] == "production"


def test_other_inputs_are_another_build_and_another_revision_of_the_app(folder: Folder) -> None:
    app = declared(folder)
    first, second = both(app, src="1"), both(app, src="2")
    assert first == both(app, src="1")
    assert first[0].hash != second[0].hash
    assert first[1].hash != second[1].hash
    assert first[1].spec.built and first[1].spec.built != second[1].spec.built


def test_an_edit_of_the_app_alone_is_no_other_build(folder: Folder) -> None:
    builder, app = both(declared(folder), src="1")
    edited = both(declared(folder, f"{BUILD}  env: {{A: x}}\n"), src="1")
    assert edited[0].hash == builder.hash
    assert edited[1].hash != app.hash
    assert edited[1].spec.built == app.spec.built


def test_an_edit_of_the_build_is_another_build_and_one_of_its_time_is_none(folder: Folder) -> None:
    builder, app = both(declared(folder), src="1")
    other = both(declared(folder, BUILD.replace("make", "make all")), src="1")
    assert other[0].hash != builder.hash and other[1].hash != app.hash
    longer = both(declared(folder, BUILD.replace("60", "90")), src="1")
    assert (longer[0].hash, longer[1].hash) == (builder.hash, app.hash)


def test_what_it_writes_may_be_watched_beside(folder: Folder) -> None:
    app = declared(folder, f"{BUILD}  watch: {{paths: [dist]}}\n")
    before, after = both(app, src="1", dist="old"), both(app, src="1", dist="new")
    assert before[0].hash == after[0].hash
    assert before[1].hash != after[1].hash


def test_another_secret_of_the_build_is_another_build_and_another_revision(folder: Folder) -> None:
    folder.write("token", "plainly-not-a-key\n")
    text = BUILD.replace("CI: '1'", "T: {secretFile: token}")
    builder, app = both(declared(folder, text), src="1")
    assert builder.secrets == {"T": "plainly-not-a-key"} and app.secrets == {}
    folder.write("token", "neither-a-key\n")
    again = both(declared(folder, text), src="1")
    assert again[0].hash != builder.hash and again[1].hash != app.hash
    (change,) = changed_fields(record(AppMemory(), app).revisions[-1], again[1])
    assert (change.path, change.after) == ("build.env.T", "*** (changed)")


def test_a_lost_key_and_secrets_that_cannot_be_read_are_no_other_revision(folder: Folder) -> None:
    folder.write("token", "plainly-not-a-key\n")
    text = BUILD.replace("CI: '1'", "T: {secretFile: token}")
    builder, app = both(declared(folder, text), src="1")
    for key in (b"another", None):
        again = both(declared(folder, text, key), src="1")
        assert same_revision(again[0].hash, builder.hash)
        assert same_revision(again[1].hash, app.hash)


def test_a_problem_of_the_app_is_one_of_its_builder(folder: Folder) -> None:
    problem = Problem("web.yaml", 1, 1, "", "wrong")
    builder, app = both(replace(declared(folder), problem=problem), src="1")
    assert builder.problem == app.problem == problem


def test_an_app_and_its_builder_are_rebuilt_from_the_journal_as_they_were(folder: Folder) -> None:
    for app in both(declared(folder), src="1"):
        spec = json.loads(json.dumps(document_of(app.spec)))
        again = rebuild(app.name, spec, app.source)
        assert isinstance(again, type(app))
        assert again.hash == app.hash and len(again.builders) == len(app.builders)
        assert again.spec.cwd == app.spec.cwd
