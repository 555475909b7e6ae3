"""What a manifest refers to is found, read, and told to nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.desired.manifest.resolve import rebuild
from reconciler.model.state.desired import DesiredApp, DesiredJob, Problem, Workload
from reconciler.model.state.revision import UNKNOWN_SECRETS, document_of
from tests.desired.conftest import Folder, job_manifest, manifest

SECRET = "hunter2-do-not-tell"


def app_of(folder: Folder, spec: str, **options: object) -> Workload:
    folder.app("web", spec)
    store = folder.scanned(**{"key": b"k", **options})
    assert not store.problems, store.problems
    return store.apps["web"]


def test_relative_paths_are_relative_to_the_manifests_own_file(folder: Folder) -> None:
    folder.write("sub/app/x.env", "A=1\n")
    folder.write("sub/secret", "s\n\n")
    folder.app(
        "web",
        "  cwd: app\n  envFrom: [app/x.env]\n  env: {S: {secretFile: secret}}\n",
        "sub/w.yaml",
    )
    app = folder.scanned(key=b"k").apps["web"]
    assert app.spec.cwd == str(folder.root / "sub/app")
    assert app.secrets == {"A": "1", "S": "s\n"}, "less one final newline"


def test_the_variables_of_an_instance_come_in_the_documented_order(folder: Folder) -> None:
    folder.write("1.env", 'A=one\nB=one\nC=one\nQUOTED="a b"\nEMPTY=\n')
    folder.write("2.env", "B=two\nC=two\n")
    spec = (
        "  envFrom: [1.env, 2.env, {file: gone.env, optional: true}]\n"
        "  env: {C: three, PORT: {perInstance: 3000}, T: {fromEnv: TOKEN}}\n"
    )
    app = app_of(folder, spec, environ={"TOKEN": SECRET, "PATH": "/usr/bin:/bin"})
    assert app.environment(2) == {
        "A": "one",
        "B": "two",
        "C": "three",
        "QUOTED": "a b",
        "EMPTY": "",
        "PORT": "3002",
        "T": SECRET,
    }


def test_secrets_are_told_nowhere_but_change_the_hash(folder: Folder) -> None:
    folder.write("s", SECRET)
    app = app_of(folder, "  env: {S: {secretFile: s}}\n")
    assert SECRET not in repr(app) and SECRET not in json.dumps(app.spec.model_dump(mode="json"))
    folder.write("s", SECRET + "2")
    assert app_of(folder, "  env: {S: {secretFile: s}}\n").hash != app.hash


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"A=1\nB '{SECRET}\n".encode(), ":2: cannot be understood"),
        (f"RECON_ID={SECRET}\n".encode(), ":1: RECON_ID is how recon recognises"),
        (f"A={SECRET}\0\n".encode(), ":1: contains a NUL byte"),
        (SECRET.encode() + b"=\xff\n", "not UTF-8"),
        (f"A=-----BEGIN\n{SECRET}\n".encode(), ":2: is not NAME=value"),
        (f"A=1\n{SECRET}/+==\n".encode(), ":2: is not NAME=value"),
    ],
)
def test_a_bad_env_file_is_told_by_file_and_line_without_its_values(
    folder: Folder, content: bytes, expected: str
) -> None:
    folder.write("x.env", content)
    folder.app("web", "  envFrom: [x.env]\n")
    (problem,) = folder.scanned(key=b"k").problems
    assert expected in str(problem) and "x.env" in problem.message
    assert SECRET not in str(problem)


def test_a_credential_is_bytes_marked_as_they_are_and_no_variable_of_its_own(
    folder: Folder,
) -> None:
    folder.write("token", b"\0\xff" + SECRET.encode() + b"\n")
    folder.write("x.env", "T=overridden\nA=1\n")
    spec = "  envFrom: [x.env]\n  env: {T: {credential: token}}\n"
    app = app_of(folder, spec)
    assert app.credentials == {"T": b"\0\xff" + SECRET.encode() + b"\n"}
    assert app.environment(0) == {"A": "1"}, "its path is known when it is started"
    assert SECRET not in repr(app)
    assert folder.root / "token" in folder.scanned(key=b"k").dependencies
    folder.write("token", b"\0\xfe" + SECRET.encode() + b"\n")
    assert app_of(folder, spec).hash != app.hash


def test_a_secret_that_cannot_be_read_is_told_without_a_word_of_it(folder: Folder) -> None:
    folder.write("large", SECRET * 100_000)
    folder.app("web", "  env: {T: {credential: large}}\n")
    (problem,) = folder.scanned(key=b"k").problems
    assert problem.path == "spec.env.T.credential" and "too large" in problem.message
    assert SECRET not in str(problem)


def test_a_variable_of_the_controller_that_is_no_utf8_is_a_secret_like_any(folder: Folder) -> None:
    environ = {"TOKEN": "caf\udce9", "PATH": "/usr/bin:/bin"}  # as Python holds the byte E9
    app = app_of(folder, "  env: {T: {fromEnv: TOKEN}}\n", environ=environ)
    assert app.environment(0) == {"T": "caf\udce9"} and app.marks


def test_from_the_command_line_the_controllers_variables_are_unknown(folder: Folder) -> None:
    spec = "  env: {T: {fromEnv: TOKEN}}\n"
    app = app_of(folder, spec, environ={"PATH": "/usr/bin:/bin"}, environ_is_controllers=False)
    assert app.secrets is None and app.hash.endswith(UNKNOWN_SECRETS)


def test_a_review_elsewhere_needs_neither_folders_nor_secrets(folder: Folder) -> None:
    spec = "  cwd: gone\n  envFrom: [gone.env]\n"
    app = app_of(folder, spec, environ_is_controllers=False, anchor=Path("/srv/x"))
    assert app.spec.cwd == "/srv/x/gone" and app.secrets is None


def test_a_program_is_searched_in_the_path_that_the_app_will_have(folder: Folder) -> None:
    program = folder.write("bin/mine", "#!/bin/sh\n")
    folder.write(
        "web.yaml",
        "apiVersion: recon/v1\nkind: App\nmetadata: {name: web}\n"
        f"spec: {{command: mine, env: {{PATH: {program.parent}}}}}\n",
    )
    assert "not executable" in str(folder.scanned().problems)
    program.chmod(0o755)
    assert not folder.scanned().problems


def test_an_app_is_rebuilt_from_the_journal_as_it_was(folder: Folder) -> None:
    folder.write("s", SECRET)
    app = app_of(folder, "  umask: '027'\n  env: {S: {secretFile: s}, P: {perInstance: 1}}\n")
    spec = json.loads(
        json.dumps(app.spec.model_dump(mode="json", by_alias=True, exclude_unset=True))
    )
    again = rebuild("web", {**spec, "ofALaterRelease": 1}, app.source, key=b"k")
    assert isinstance(again, DesiredApp)
    assert (again.spec, again.hash, again.secrets) == (app.spec, app.hash, app.secrets)


def test_a_job_is_rebuilt_from_the_journal_as_it_was(folder: Folder) -> None:
    text = "  schedule: '@daily'\n  timeZone: UTC\n  backoffLimit: 2\n  env: {A: x}\n"
    folder.write("report.yaml", job_manifest("report", text))
    app = folder.scanned().apps["report"]
    spec = json.loads(json.dumps(document_of(app.spec)))
    again = rebuild("report", {**spec, "ofALaterRelease": 1}, app.source)
    assert isinstance(again, DesiredJob)
    assert (again.hash, again.spec) == (app.hash, app.spec)
    bad = rebuild("report", {**spec, "schedule": "x"}, app.source)
    assert isinstance(bad, Problem) and bad.path == "spec.schedule"


def test_what_cannot_be_rebuilt_is_a_problem(folder: Folder) -> None:
    path = folder.write("s", SECRET)
    app = app_of(folder, "  env: {S: {secretFile: s}}\n")
    spec = app.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    path.unlink()
    assert isinstance(rebuild("web", spec, app.source, key=b"k"), Problem)
    bad = rebuild("web", {**spec, "instances": "x"}, app.source, key=b"k")
    assert isinstance(bad, Problem) and bad.message.startswith("must be a whole number")


def _with_command(folder: Folder, command: str, env: str = "{}") -> Folder:
    text = manifest("web", f"  env: {env}\n").replace("[sleep, 1000]", command)
    folder.write("web.yaml", text)
    return folder


def test_the_command_names_the_apps_own_variables_and_no_secret(folder: Folder) -> None:
    _with_command(folder, '[sleep, "$(PORT)"]', "{PORT: {perInstance: 3000}}")
    app = folder.scanned(key=b"k").apps["web"]
    assert app.argv(2) == ("sleep", "3002") and app.spec.command == ("sleep", "$(PORT)")
    folder.write("s", SECRET)
    _with_command(folder, '[sleep, "$(S)"]', "{S: {secretFile: s}}")
    (problem,) = folder.scanned(key=b"k").problems
    assert "$(S) would show a secret" in problem.message and SECRET not in problem.message


def test_a_command_is_kept_as_it_was_written(folder: Folder) -> None:
    assert _with_command(folder, "sleep '1 2'").scanned().apps["web"].line == "sleep '1 2'"
    assert _with_command(folder, "[sleep, '1']").scanned().apps["web"].line == ""
