"""Every mistake in a manifest is one sentence at its place; hashes do not move by themselves."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from reconciler.desired.manifest import presence, resolve
from reconciler.desired.manifest.surroundings import Surroundings
from reconciler.model.state.desired import DesiredApp, DesiredJob
from reconciler.model.state.revision import document_of
from tests.desired.conftest import Folder, job_manifest, manifest


def problem_of(folder: Folder, content: str) -> str:
    """All problems of the file, without the folder."""
    folder.write("web.yaml", content)
    problems = folder.scanned(environ={"PATH": "/usr/bin:/bin"}).problems
    return "\n".join(str(problem).replace(f"{folder.root}/", "") for problem in problems)


LINES = [
    ("instances: many", "web.yaml:6:14: spec.instances: must be a whole number"),
    ("instances: -1", "web.yaml:6:14: spec.instances: must be at least 0"),
    ("cmd: x", "web.yaml:6:3: spec.cmd: unknown field; recon calls it `command`"),
    ("replicas: 2", "web.yaml:6:3: spec.replicas: unknown field; recon calls it `instances`"),
    ("instnces: 2", "web.yaml:6:3: spec.instnces: unknown field, did you mean instances?"),
    ("env: {A: [1]}", "web.yaml:6:12: spec.env.A: must be text, or one of {perInstance: N}"),
    ("env: {A: {perInstanc: 1}}", "web.yaml:6:13: spec.env.A.perInstanc: unknown field"),
    ("env: {A: {perInstance: x}}", "web.yaml:6:26: spec.env.A.perInstance: must be a whole"),
    ("env: {1A: x}", "web.yaml:6:8: spec.env: '1A' is not a valid name"),
    ("env: [A]", "web.yaml:6:8: spec.env: must be a map"),
    ("env:", "web.yaml:6:7: spec.env: has no value"),
    ("env: {A: {}}", "web.yaml:6:12: spec.env.A: must be text, or one of"),
    ("env: {A: {perInstance: 1, secretFile: x}}", "spec.env.A: must be text, or one of"),
    ("env: {A: {perInstance: 1, more: x}}", "web.yaml:6:29: spec.env.A.more: unknown field"),
    ("instances: maxx", "web.yaml:6:14: spec.instances: must be a whole number, `max` (as many"),
    ("instances: '3'", "web.yaml:6:14: spec.instances: must be a whole number"),
    ("instances: max-2", "spec.instances: must be a whole number"),
    ("instances: -1", "spec.instances: must be at least 0"),
    ("instances: 100001", "spec.instances: must be at most 100000"),
    ("instances:", "web.yaml:6:13: spec.instances: has no value"),
    ("readinessProbe: {tcpSocket: {port: }}", "port: has no value"),
    ("envFrom: gone.env", "web.yaml:6:12: spec.envFrom: must be a list"),
    ("envFrom: [gone.env]", "web.yaml:6:13: spec.envFrom.0: "),
    ("env: {A: {secretFile: gone}}", "web.yaml:6:25: spec.env.A.secretFile: "),
    ("env: {A: {fromEnv: GONE}}", "spec.env.A.fromEnv: GONE is not in the environment"),
    ("cwd: gone", "web.yaml:6:8: spec.cwd: "),
    ("user: no-such-user", "web.yaml:6:9: spec.user: there is no user no-such-user"),
    ("group: no-such", "web.yaml:6:10: spec.group: there is no group no-such"),
    ("readinessProbe: {tcpSocket: {port: 70000}}", "web.yaml:6:38: "),
    ("readinessProbe: {tcpSocket: {port: x}}", "must be a port, 1 to 65535, or {perInstance"),
    ("readinessProbe: {}", "web.yaml:6:19: spec.readinessProbe: a probe needs exactly one"),
    ("restartPolicy: always", "must be 'Always', 'OnFailure' or 'Never'"),
    ("strategy: {type: Rolling}", "must be 'RollingUpdate' or 'Recreate'"),
    ("stop: {signal: SIGKILL}", "web.yaml:6:18: spec.stop.signal: 'SIGKILL' is not a signal"),
    ("logs: {rotate: {size: big}}", "web.yaml:6:25: spec.logs.rotate.size: 'big' is not a size"),
    ("stop: {preStop: no-such-program}", "spec.stop.preStop: there is no program"),
    ("profiles: {dev: {instnces: 1}}", "web.yaml:6:20: spec.profiles.dev.instnces: unknown"),
    ("profiles: [dev]", "web.yaml:6:13: spec.profiles: must be a map"),
    ("suspend: maybe", "must be true or false"),
    ("supplementaryGroups: [no-such]", "web.yaml:6:25: spec.supplementaryGroups.0: there is no"),
    ("noNewPrivileges: maybe", "must be true or false"),
    ("capabilities: {drop: [NET_RAM]}", "'NET_RAM' is not a capability of Linux; did you mean"),
    ("capabilities: {add: [NET_RAW]}", "web.yaml:6:18: spec.capabilities.add: unknown field"),
    ("watch: {paths: [., 'src/*.js']}", "web.yaml:6:18: spec.watch.paths: src/*.js is a pattern"),
    (
        "build: {command: make, inputs: ['*.json']}",
        "spec.build.inputs: *.json is a pattern, and only paths",
    ),
    (
        "watch: {paths: [.], ignore: [a, '!']}",
        "web.yaml:6:35: spec.watch.ignore.1: is not a valid .git",
    ),
    (
        "watch: {paths: [.], ignore: ['x\\']}",
        "spec.watch.ignore.0: is not a valid .gitignore pattern",
    ),
    ("readOnlyPaths: [gone]", "web.yaml:6:19: spec.readOnlyPaths.0: "),
    ("readOnlyPaths: ['']", "a path cannot be empty"),
    ('user: "²"', "web.yaml:6:9: spec.user: '²' is not a valid name or id"),
    ('user: "' + "9" * 5000 + '"', "web.yaml:6:9: spec.user: there is no user 9999"),
    ('user: "a\\0"', "web.yaml:6:9: spec.user: contains a NUL byte"),
    ('group: "\\0"', "web.yaml:6:10: spec.group: contains a NUL byte"),
    ('cwd: "\\0"', "web.yaml:6:8: spec.cwd: contains a NUL byte"),
    ('supplementaryGroups: ["\\0"]', ":6:25: spec.supplementaryGroups.0: contains a NUL byte"),
    ('envFrom: ["\\0"]', "web.yaml:6:13: spec.envFrom.0: contains a NUL byte"),
    ('env: {A: {secretFile: "\\0"}}', "web.yaml:6:25: spec.env.A.secretFile: contains a NUL byte"),
    ('profiles: {dev: {cwd: "\\0"}}', "web.yaml:6:25: spec.profiles.dev.cwd: contains a NUL byte"),
    ('env: {"A\\0": b}', "web.yaml:6:8: spec.env: a key contains a NUL byte"),
    ("readinessProbe: {log: '" + "(" * 500 + ")" * 500 + "'}", "nests at most 50 groups"),
    ("readinessProbe: {log: 'a{99999999999}'}", "is not a regular expression: the repetition"),
]


NO_SCHEDULE = "is not a valid cron schedule; write minute, hour, day of month, month and"
OF_A_JOB = [
    ("schedule: '61 * * * *'", f"web.yaml:6:13: spec.schedule: '61 * * * *' {NO_SCHEDULE}"),
    ("schedule: '* * * *'", NO_SCHEDULE),
    ("schedule: '* * * * * *'", NO_SCHEDULE),
    ("schedule: '0 0 30 2 *'", NO_SCHEDULE),
    ("schedule: '@dayly'", "e.g. '30 3 * * *', or @yearly, "),
    ("schedule:", "spec.schedule: has no value; write one, or remove the line"),
    ("instances: 2", "web.yaml:6:3: spec.instances: unknown field: an App has it, a Job has not"),
    ("schedule: 5", "web.yaml:6:13: spec.schedule: must be text"),
    ("scheduel: '@daily'", "web.yaml:6:3: spec.scheduel: unknown field, did you mean schedule?"),
    (
        "timeZone: Europe/Berln",
        "web.yaml:6:13: spec.timeZone: 'Europe/Berln' is not a valid time zone",
    ),
    ("timeZone: ../etc/passwd", "is not a valid time zone on this host"),
    ("concurrencyPolicy: forbid", "web.yaml:6:22: spec.concurrencyPolicy: must be 'Allow', 'For"),
    ("backoffLimit: -1", "web.yaml:6:17: spec.backoffLimit: must be at least 0"),
    ("backoffLimit: '3'", "web.yaml:6:17: spec.backoffLimit: must be a whole number"),
    ("activeDeadlineSeconds: 0", "web.yaml:6:26: spec.activeDeadlineSeconds: must be more than"),
    ("startingDeadlineSeconds: x", "spec.startingDeadlineSeconds: must be a number"),
    ("failedJobsHistoryLimit: -1", "spec.failedJobsHistoryLimit: must be at least 0"),
    ("instances: 2", "web.yaml:6:3: spec.instances: unknown field"),
    ("strategy: {type: Recreate}", "web.yaml:6:3: spec.strategy: unknown field"),
    ("readinessProbe: {tcpSocket: {port: 1}}", "spec.readinessProbe: unknown field"),
    ("restartPolicy: Never", "spec.restartPolicy: unknown field"),
    ("sockets: [{name: a, port: 1}]", "spec.sockets: unknown field"),
    ("build: {command: make, inputs: [src]}", "spec.build: unknown field"),
    ("restartSchedule: '@daily'", "restartSchedule: unknown field: an App has it, a Job has not"),
    ("kind: App", "spec.kind: unknown field"),
    ("watched: {a: b}", "watched is filled in by recon; remove it"),
    ("profiles: {p: {schedule: x}}", "web.yaml:6:28: spec.profiles.p.schedule: 'x' is not a"),
    ("profiles: {p: {instances: 1}}", "web.yaml:6:18: spec.profiles.p.instances: unknown field"),
]
OF_AN_APP = [
    ("schedule: '@daily'", "spec.schedule: unknown field: a Job has it, an App has not"),
    (
        "restartSchedule: daily",
        "web.yaml:6:20: spec.restartSchedule: 'daily' is not a valid cron schedule",
    ),
    ("build: {command: 'true'}", "web.yaml:6:10: spec.build.inputs: is required"),
    ("build: {command: 'true', inputs: []}", "spec.build.inputs: must not be empty"),
    ("build: {command: gone, inputs: [a]}", "web.yaml:6:20: spec.build.command: there is no prog"),
    ("build: {command: 'true', inputs: [a], envFrom: [no]}", ":6:51: spec.build.envFrom.0: "),
    ("build: {command: 'true', inputs: [a], cwd: x}", "spec.build.cwd: unknown field"),
    ("build: {command: 'true', inputs: [a], timeoutSeconds: 0}", "must be more than 0"),
    ("build: {command: 'true', inputs: [a], env: {A: {secretFile: no}}}", "env.A.secretFile: "),
    ("built: x", "built is filled in by recon; remove it"),
    ("kind: App", "spec.kind: unknown field"),
]
SLIPS = [
    "env: {P: {hunter2}}",
    "env: {P: [hunter2]}",
    "env: {P: {value: hunter2}}",
    "env: {P: {secretFile: [hunter2]}}",
    "env: {P: {secretFile: {a: hunter2}}}",
    "env: {P: {secretFle: hunter2}}",
    "env: {P: {credential: [hunter2]}}",
    "env: {P: {secretFile: a, secretFile: hunter2}}",
    "env: {P=hunter2: }",
    "env: {P=hunter2: x}",
    "env: {P: *hunter2}",
    "env: {P: !hunter2 }",
    "env: {P: !<hunter2> x}",
    "env: {P: @hunter2}",
    "env: {P: %hunter2}",
    "env: {P: `hunter2}",
    'env: {P: "hunter2}',
    "env: {P: 'hunter2}",
    "env: {P: {{ hunter2 }}}",
    "env: {P: hunter2: x}",
    "env: {P: &hunter2}",
    "env: {P: &hunter2 !x y}",
    'env: {P: "\\hunter2"}',
    "env: [P=hunter2]",
    "env: P=hunter2",
    "env: {P: hunter2",
    "env:\n    P:\n      hunter2: {}\n      - hunter2",
    "env:\n    P: |\n    hunter2",
    "envFrom: [{file: [hunter2]}]",
    "envFrom: {file: {a: hunter2}}",
    "command: 'x --password=hunter2",
    "command: {x: hunter2}",
    "command: [sh, [hunter2]]",
]


@pytest.mark.parametrize("line", SLIPS)
def test_a_slip_in_writing_a_secret_does_not_repeat_it(folder: Folder, line: str) -> None:
    found = problem_of(
        folder, manifest("web", f"  {line}\n").replace("  command: [sleep, 1000]\n", "")
    )
    assert found, "it is a mistake"
    assert "hunter2" not in found


@pytest.mark.parametrize(("line", "expected"), LINES, ids=[line for line, _ in LINES])
def test_a_mistake_in_the_spec_is_one_sentence_at_its_place(
    folder: Folder, line: str, expected: str
) -> None:
    found = problem_of(folder, manifest("web", f"  {line}\n"))
    assert expected in found
    assert found.count("\n") == 0, "one mistake, one sentence"
    for jargon in ("Input should", "tuple", "dict", "int_", "valid integer", "valid string"):
        assert jargon not in found


@pytest.mark.parametrize(("line", "expected"), OF_A_JOB, ids=[line for line, _ in OF_A_JOB])
def test_a_mistake_in_a_job_is_one_sentence_at_its_place(
    folder: Folder, line: str, expected: str
) -> None:
    found = problem_of(folder, job_manifest("web", f"  {line}\n"))
    assert expected in found
    assert found.count("\n") == 0, "one mistake, one sentence"


@pytest.mark.parametrize(("line", "expected"), OF_AN_APP, ids=[line for line, _ in OF_AN_APP])
def test_a_mistake_in_a_build_or_what_only_a_job_has_is_told_at_its_place(
    folder: Folder, line: str, expected: str
) -> None:
    found = problem_of(folder, manifest("web", f"  {line}\n"))
    assert expected in found
    assert found.count("\n") == 0, "one mistake, one sentence"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (manifest("Web_1"), "web.yaml:3:18: metadata.name: 'Web_1' is not a name"),
        (manifest("web").replace("App", "Appp"), "web.yaml:2:7: kind: 'Appp' is not known, did"),
        (manifest("web").replace("v1", "v2"), "web.yaml:1:13: apiVersion: 'recon/v2' is not"),
        (manifest("web").replace("kind: App\n", ""), "web.yaml:1:1: kind: is required"),
        ("- a\n", "web.yaml:1:1: a manifest is a map"),
        ("kind: App\napiVersion: recon/v1\nmetadata: {name: web}\n", "spec: is required"),
        ("kind: App\napiVersion: recon/v1\nspec: {command: x}\n", "metadata: is required"),
        (manifest("web").replace("  command", "  cwd"), "spec.cwd: must be text"),
        (manifest("web").replace("[sleep, 1000]", "slep-no-such"), "there is no program slep"),
        (manifest("web").replace("[sleep, 1000]", "[/etc/passwd]"), "is not executable"),
        (manifest("web").replace("[sleep, 1000]", "[]"), "a command needs at least a program"),
        (manifest("web").replace("[sleep, 1000]", "'sleep \"1'"), "web.yaml:5:12: spec.command"),
    ],
)
def test_a_mistake_anywhere_else_is_told_at_its_place(
    folder: Folder, content: str, expected: str
) -> None:
    assert expected in problem_of(folder, content)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            manifest("web").replace("command:", "comand:"),
            ["spec.comand: unknown field, did you m"],
        ),
        (
            manifest("web").replace("metadata:", "metdata:"),
            ["metdata: unknown field, did you m"],
        ),
        (manifest("web").replace("{name:", "{nam:"), ["metadata.nam: unknown field, did you m"]),
        (manifest("web").replace("command:", "comand:").replace("metadata:", "metdata:"), ["", ""]),
        (
            manifest("web").replace("command:", "xyzzy:"),
            ["spec.xyzzy: unknown field", "spec.command: is required"],
        ),
        (
            manifest("web", "  build: {comand: 'true'}\n"),
            ["spec.build.comand: unknown field", "spec.build.inputs: is required"],
        ),
    ],
)
def test_a_name_that_is_misspelt_is_one_mistake(
    folder: Folder, text: str, expected: list[str]
) -> None:
    """And not a second one because the field is missing."""
    folder.write("web.yaml", text)
    found = sorted(str(problem) for problem in folder.scanned().problems)
    assert len(found) == len(expected)
    for sentence in expected:
        assert any(sentence in one for one in found), found


def test_a_program_of_the_apps_own_packages_is_named_with_its_path(folder: Folder) -> None:
    program = folder.root / "node_modules/.bin/vite"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = manifest("web", "  build: {command: vite build, inputs: [.]}\n")
    expected = "; write node_modules/.bin/vite, which is there"
    assert problem_of(folder, text).endswith(expected)
    written = text.replace("vite build", "node_modules/.bin/vite build")
    folder.write("web.yaml", written)
    assert folder.scanned().problems == ()


def test_a_mistake_in_the_defaults_is_told_once_where_it_stands(folder: Folder) -> None:
    folder.write(
        "recon.yaml", "apiVersion: recon/v1\nkind: Settings\nspec:\n  defaults:\n    cdw: x\n"
    )
    folder.app("a")
    folder.app("b")
    (problem,) = folder.scanned().problems
    assert (problem.file, problem.line) == (str(folder.root / "recon.yaml"), 5)
    assert "did you mean cwd?" in problem.message


def test_defaults_that_only_an_app_has_hold_for_no_job(folder: Folder) -> None:
    defaults = "    instances: 3\n    terminationGracePeriodSeconds: 7\n"
    folder.write(
        "recon.yaml", f"apiVersion: recon/v1\nkind: Settings\nspec:\n  defaults:\n{defaults}"
    )
    folder.app("web")
    folder.write("report.yaml", job_manifest("report"))
    store = folder.scanned()
    assert not store.problems
    assert store.apps["web"].spec.wanted == 3
    assert store.apps["report"].spec.termination_grace_period_seconds == 7


def test_a_job_is_read_with_its_terms_its_profile_and_the_words_of_cron(folder: Folder) -> None:
    text = "  schedule: '@daily'\n  timeZone: Europe/Berlin\n  backoffLimit: 2\n"
    text += "  profiles: {dev: {schedule: ' 5  *  * * * '}}\n"
    folder.write("report.yaml", job_manifest("report", text))
    app = folder.scanned().apps["report"]
    assert isinstance(app, DesiredJob)
    assert (app.spec.schedule, app.spec.time_zone, app.spec.backoff_limit) == (
        *("0 0 * * *", "Europe/Berlin", 2),
    )
    assert document_of(app.spec)["kind"] == "Job"
    other = folder.scanned(profile="dev").apps["report"]
    assert isinstance(other, DesiredJob) and other.spec.schedule == "5 * * * *"
    assert other.hash == app.hash, "when it runs is no part of what it is"


def test_an_app_and_a_job_of_the_same_template_are_two_revisions(folder: Folder) -> None:
    folder.app("a")
    folder.write("b.yaml", job_manifest("b"))
    store = folder.scanned()
    assert store.apps["a"].hash != store.apps["b"].hash


# A change here restarts every process of everyone who upgrades: it must not happen.
GOLDEN = {
    "": "23129b65f5be.-",
    "  instances: 3\n  terminationGracePeriodSeconds: 5\n": "23129b65f5be.-",
    "  env: {A: x, PORT: {perInstance: 3000}}\n  umask: '027'\n": "04d0e9e2e57c.-",
    "  env: {T: {fromEnv: TOKEN}}\n  suspend: true\n": "b123dafb0d54.f277-42f047da66ee",
    "  profiles: {p: {env: {B: 1.10}}}\n  env: {A: x}\n": "5c548c19a330.-",
}


@pytest.mark.parametrize(("spec", "hash"), GOLDEN.items())
def test_hashes_are_the_same_in_every_release(folder: Folder, spec: str, hash: str) -> None:
    folder.app("web", f"  cwd: /tmp\n{spec}")
    environ = {"TOKEN": "t", "PATH": "/usr/bin:/bin"}
    store = folder.scanned(key=b"golden", environ=environ, profile="p" if "p:" in spec else None)
    assert store.apps["web"].hash == hash


@pytest.mark.parametrize("make", [manifest, job_manifest])
@pytest.mark.parametrize("spec", ["", *GOLDEN])
def test_a_spec_is_as_if_it_had_never_had_profiles(
    folder: Folder, make: Callable[[str, str], str], spec: str
) -> None:
    if make is job_manifest and "instances" in spec:
        return
    folder.write("web.yaml", make("web", f"  cwd: /tmp\n{spec}"))
    found = folder.scanned(environ={"TOKEN": "t", "PATH": "/usr/bin:/bin"}).apps["web"].spec
    written = {name: value for name, value in document_of(found).items() if name != "kind"}
    plain = type(found).model_validate(written)
    assert found == plain and found.model_fields_set == plain.model_fields_set
    assert {*vars(found)} == {*type(found).model_fields} and hash(found.stop) == hash(plain.stop)
    assert pickle.loads(pickle.dumps(found)) == found.model_copy(deep=True) == plain
    with pytest.raises(ValidationError):
        found.cwd = "/"  # type: ignore[misc]  # it is frozen


def test_what_a_private_tmp_would_hide_is_told_before_the_start(folder: Folder) -> None:
    private = "  privateTmp: true\n"
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        program = Path(name, "program")
        program.symlink_to("/bin/true")
        found = problem_of(folder, manifest("web", f"{private}  cwd: {name}\n"))
        assert f"spec.cwd: {name} is hidden by privateTmp; move it, or remove" in found
        text = manifest("web", f"{private}  cwd: /\n").replace("[sleep, 1000]", f"[{program}]")
        assert f"spec.command: {program} is hidden by privateTmp" in problem_of(folder, text)
        text = manifest("web", f"{private}  cwd: /\n")
        assert problem_of(folder, text) == ""


@pytest.mark.parametrize(
    ("word", "cores", "number"), [("max", 4, 4), ("max-1", 4, 3), ("max", 1, 1), ("max-1", 1, 1)]
)
def test_max_is_as_many_as_there_are_cores(
    folder: Folder, word: str, cores: int, number: int
) -> None:
    folder.app("web", f"  instances: {word}\n")
    folder.app("worker", "  instances: 7\n")
    apps = folder.scanned(cores=cores).apps
    web, worker = apps["web"], apps["worker"]
    assert isinstance(web, DesiredApp) and isinstance(worker, DesiredApp)
    assert (web.spec.instances, web.by_cores) == (number, word)
    assert (worker.spec.instances, worker.by_cores) == (7, "")


def test_max_may_come_from_a_profile_or_the_defaults(folder: Folder) -> None:
    folder.write(
        "recon.yaml",
        "apiVersion: recon/v1\nkind: Settings\nspec: {defaults: {instances: max}}\n",
    )
    folder.app("a")
    folder.app("b", "  profiles: {prod: {instances: max-1}, dev: {instances: 1}}\n")
    for profile, wanted in ((None, (8, 8)), ("prod", (8, 7)), ("dev", (8, 1))):
        apps = folder.scanned(cores=8, profile=profile).apps
        assert (apps["a"].spec.wanted, apps["b"].spec.wanted) == wanted


def test_a_kind_that_is_no_text_is_a_problem_of_its_document(folder: Folder) -> None:
    said = problem_of(folder, manifest("web") + "---\n" + manifest("api").replace("App", "[]"))
    assert said.startswith("web.yaml:8:7: kind: [] is not known")


# -- what nobody foresaw ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [ValueError("s3cret"), RecursionError(), OverflowError(), UnicodeError(), KeyError()]
)
def test_what_nobody_foresaw_is_a_problem_at_its_field_and_other_files_load(
    folder: Folder,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real = presence.check

    def check(app: DesiredApp, around: Surroundings) -> None:
        real(app, around)
        if app.spec.limits.open_files == 13:
            raise error

    monkeypatch.setattr(resolve, "check", check)
    folder.app("other")
    said = problem_of(folder, manifest("web", "  umask: '022'\n  limits:\n    openFiles: 13\n"))
    kind = type(error).__name__
    assert said.startswith(f"web.yaml:8:16: spec.limits.openFiles: recon cannot read this: {kind}")
    assert "fault in recon, please report it" in said and "s3cret" not in said + caplog.text
    assert "web.yaml:8" in caplog.text and kind in caplog.text
    assert [*folder.scanned().apps] == ["other"]
