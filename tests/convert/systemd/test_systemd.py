"""Units of the same meaning, and a report that keeps nothing back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.convert.fields import Fate
from reconciler.convert.systemd import table
from reconciler.convert.systemd.draft import Draft, Target
from reconciler.convert.systemd.unitfile import Unwritable
from reconciler.convert.systemd.units import Exported, export
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import DesiredApp, Source
from tests.convert.systemd.systemd_reads import asks_systemd, complaints, read

TARGET = Target(252, account="daemon")


def app(name: str, **spec: Any) -> DesiredApp:
    spec = {"command": ["sleep", "1"], "cwd": "/", **spec}
    return DesiredApp(name, AppSpec(**spec), "hash", Source(f"/m/{name}.yaml", 1))


def exported(*apps: DesiredApp, target: Target = TARGET) -> Exported:
    return export(apps, target)


def service(made: Exported, name: str = "a.service") -> list[str]:
    return made.units[name].splitlines()


def told(made: Exported) -> dict[str, Fate]:
    return {note.field: note.fate for note in made.notes}


# -- the corpus -------------------------------------------------------------------------------

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_VARIABLE = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: not name.startswith(("RECON", "LISTEN"))
)
_SECONDS = st.floats(0.001, 1000, allow_nan=False).map(lambda x: round(x, 3))
_RHYTHM = {"periodSeconds": _SECONDS, "initialDelaySeconds": _SECONDS}
_PROBE = st.one_of(
    st.fixed_dictionaries({"notify": st.just(True)}, optional=_RHYTHM),
    st.fixed_dictionaries({"tcpSocket": st.just({"port": 1})}, optional=_RHYTHM),
    st.fixed_dictionaries({"exec": st.just({"command": ["true"]})}, optional=_RHYTHM),
)
_SPEC = st.fixed_dictionaries(
    {"command": st.lists(_TEXT, max_size=4).map(lambda words: ["sleep", *words])},
    optional={
        "env": st.dictionaries(
            _VARIABLE,
            _TEXT
            | st.just({"perInstance": 3000})
            | st.just({"secretFile": "/etc/a secret 100%"})
            | st.just({"credential": "/etc/a key"})
            | st.just({"fromEnv": "TOKEN"}),
            max_size=4,
        ),
        "envFrom": st.just([{"file": "/srv/my app/.env", "optional": True}]),
        "user": st.sampled_from(["root", "daemon"]),
        "umask": st.just("027"),
        "sockets": st.just(
            [
                {"name": "http", "port": 3000},
                {"name": "six", "host": "::", "port": 3001},
                {"name": "own", "path": "/run/a b.sock", "mode": "600", "owner": "daemon"},
            ]
        ),
        "instances": st.integers(0, 3),
        "startupProbe": _PROBE,
        "readinessProbe": _PROBE,
        "livenessProbe": _PROBE,
        "minReadySeconds": st.just(1),
        "restartPolicy": st.sampled_from(["Always", "OnFailure", "Never"]),
        "successExitCodes": st.lists(st.integers(0, 255), max_size=3),
        "backoff": st.fixed_dictionaries(
            {}, optional={"initialSeconds": _SECONDS, "maxSeconds": _SECONDS}
        ),
        "stop": st.just({"signal": "SIGINT", "preStop": ["sleep", "0", "a b$c%d"]}),
        "terminationGracePeriodSeconds": st.just(0) | _SECONDS,
        "suspend": st.booleans(),
    },
)


@asks_systemd
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_SPEC, min_size=1, max_size=3), st.booleans())
@example(specs=[{"command": ["sleep", "\ufffe\ufdd0"], "env": {"A": "\U0001ffff"}}], user=False)
def test_systemd_has_no_complaints_about_any_app(specs: list[dict[str, Any]], user: bool) -> None:
    apps = [app(f"a{n}", **spec) for n, spec in enumerate(specs)]
    apps.append(app("last", dependsOn=[{"app": one.name} for one in apps]))
    made = export(apps, Target(252, user=user))
    if user:
        assert not any("User=" in text for text in made.units.values())
    assert complaints(made.units) == ""


@asks_systemd
def test_verify_would_tell() -> None:
    assert "Lifetime" in complaints({"a.service": "[Service]\nExecStart=/bin/true\nLifetime=1\n"})


SET = {
    "image": "web:1",
    "cwd": "/srv",
    "env": {"A": "b"},
    "envFrom": [{"file": "/x/.env"}],
    "user": "games",
    "group": "games",
    "umask": "077",
    "sockets": [{"name": "http", "port": 3000}],
    "instances": 2,
    "strategy": {"type": "Recreate"},
    "startupProbe": {"notify": True},
    "readinessProbe": {"tcpSocket": {"port": 1}},
    "livenessProbe": {"notify": True},
    "minReadySeconds": 5,
    "progressDeadlineSeconds": 700,
    "revisionHistoryLimit": 3,
    "restartPolicy": "Never",
    "successExitCodes": [78],
    "backoff": {"resetSeconds": 1},
    "stop": {"signal": "SIGHUP"},
    "terminationGracePeriodSeconds": 5,
    "logs": {"rotate": {"keep": 1}},
    "dependsOn": ["db"],
    "suspend": True,
    "watch": {"paths": ["x"]},
    "build": {"command": "make", "inputs": ["src"]},
    "restartSchedule": "@daily",
}


@pytest.mark.parametrize("field", SET)
def test_every_field_that_is_set_changes_a_unit_or_is_in_the_report(field: str) -> None:
    bare, made = exported(app("a")), exported(app("a", **{field: SET[field]}))
    named = any(note.field.split(".")[0] == field for note in made.notes)
    assert named or (made.units, made.enable) != (bare.units, bare.enable)


def test_labels_are_in_the_report() -> None:
    assert told(exported(replace(app("a"), labels={"tier": "api"}))) == {
        "metadata.labels": Fate.LOST
    }


def test_runs_that_share_a_log_file_are_in_the_report() -> None:
    said = {"command": ["x"], "logs": {"stdout": "/srv/<instance>.log"}}
    draft = Draft("a", said, TARGET, is_job=True)
    table.output(draft)
    assert "all runs write to this one file" in [note.text for note in draft.notes]


def test_what_this_exporter_has_never_heard_of_is_in_the_report() -> None:
    said = {"command": ["x"], "novelty": {"depth": 3}, "backoff": {"jitter": 1}, "logs": None}
    draft = Draft("a", said, TARGET)
    draft.take("command")
    table.one_to_one(draft)
    table.lost(draft)
    fields = {note.field: note.fate for note in draft.notes}
    assert fields == {"novelty.depth": Fate.LOST, "backoff.jitter": Fate.LOST}


@pytest.mark.parametrize(("instances", "number"), [(1, "0"), (3, "%i")])
def test_a_log_of_each_instance_is_one_of_each_unit(instances: int, number: str) -> None:
    logs = {"stdout": "/srv/100%/<app>-<instance>.log", "merge": True}
    made = exported(app("a", instances=instances, logs=logs))
    text = "\n".join(made.units.values())
    assert f"StandardOutput=append:/srv/100%%/a-{number}.log\n" in text
    assert "StandardError" not in text


# -- one by one -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (("umask",), "027", ["UMask=0027"]),
        (("limits", "memoryHard"), 4096, ["MemoryMax=4096", "MemorySwapMax=0"]),
        (("limits", "cpu"), "1.5", ["CPUQuota=150%"]),
        (("limits", "processes"), 64, ["TasksMax=64"]),
        (("limits", "openFiles"), 4096, ["LimitNOFILE=4096"]),
        (("limits", "coreSize"), "unlimited", ["LimitCORE=infinity"]),
        (("limits", "nice"), -5, ["Nice=-5"]),
        (("limits", "oomScoreAdjust"), 500, ["OOMScoreAdjust=500"]),
        (("limits", "ioPriority"), "best-effort:7", ["IOSchedulingClass=best-effort"]),
        (("limits", "ioPriority"), "idle", ["IOSchedulingClass=idle"]),
        (("limits", "cpuAffinity"), "0-3,5", ["CPUAffinity=0-3 5"]),
        (("supplementaryGroups",), ["adm", "4"], ["SupplementaryGroups=adm 4"]),
        (("noNewPrivileges",), True, ["NoNewPrivileges=yes"]),
        (("capabilities", "drop"), ["NET_RAW"], ["CapabilityBoundingSet=~CAP_NET_RAW"]),
        (("capabilities", "drop"), ["ALL"], ["CapabilityBoundingSet="]),
        (("readOnlyPaths",), ["/a b", "/c"], ['ReadOnlyPaths="/a b" /c']),
        (("privateTmp",), False, ["PrivateTmp=no"]),
    ],
)
@asks_systemd
def test_one_field_one_setting(path: tuple[str, ...], value: Any, lines: list[str]) -> None:
    said: Any = value
    for step in reversed(path):
        said = {step: said}
    draft = Draft("a", said, TARGET)
    table.one_to_one(draft)
    assert not [*draft.left()]
    written = [f"{key}={text}" for key, text in draft.service]
    assert set(lines) <= set(written)
    unit = "\n".join(["[Service]", "ExecStart=/bin/true", *written])
    assert complaints({"a.service": unit}) == ""


def test_a_value_of_a_known_field_that_is_not_understood_is_lost() -> None:
    draft = Draft("a", {"limits": {"ioPriority": {"class": "new"}}}, TARGET)
    table.one_to_one(draft)
    [note] = draft.notes
    assert note.fate is Fate.LOST and note.field == "limits.ioPriority"


def test_one_instance_is_a_plain_unit_several_are_a_template_and_a_target() -> None:
    made = exported(app("a"), app("b", instances=2, env={"PORT": {"perInstance": 3000}}))
    assert made.units.keys() == {
        "a.service",
        "b@.service",
        "b@0.service.d/instance.conf",
        "b@1.service.d/instance.conf",
        "b.target",
    }
    assert "Environment=PORT=3001" in made.units["b@1.service.d/instance.conf"]
    assert {"Wants=b@0.service", "Wants=b@1.service"} <= {*service(made, "b.target")}
    assert "PartOf=b.target" in service(made, "b@.service")
    assert made.enable == ("a.service", "b.target")


def test_instances_by_cores_are_those_of_this_host_and_told() -> None:
    made = exported(replace(app("a", instances=2), by_cores="max"))
    assert {"Wants=a@0.service", "Wants=a@1.service"} <= {*service(made, "a.target")}
    [note] = [note for note in made.notes if note.field == "instances"]
    assert note.fate is Fate.DIFFERS and note.text.startswith("is 2, from the cores")


def test_a_suspended_app_is_written_and_not_enabled() -> None:
    made = exported(app("a", suspend=True), app("b", instances=0))
    assert "a.service" in made.units and made.enable == ()


def test_a_secret_stays_in_its_file(tmp_path: Path) -> None:
    planted = "hunter2-do-not-write"
    (tmp_path / "pw").write_text(planted)
    (tmp_path / ".env").write_text(f"API_KEY={planted}\nODD=a # {planted}\n")
    env = {"DB": {"secretFile": str(tmp_path / "pw")}, "T": {"fromEnv": "TOKEN"}}
    made = exported(app("a", env=env, envFrom=[str(tmp_path / ".env")]))
    assert planted not in "".join([*made.units.values(), *map(str, made.notes)])
    assert f"LoadCredential=DB:{tmp_path}/pw" in service(made)
    assert f"EnvironmentFile={tmp_path}/.env" in service(made)
    assert told(made)["env.T"] is Fate.TODO
    assert ".env:2" in next(note.text for note in made.notes if note.field == "envFrom")


def test_a_credential_is_systemds_own() -> None:
    lines = service(exported(app("a", env={"KEY": {"credential": "/etc/key"}})))
    assert {"LoadCredential=KEY:/etc/key", "Environment=KEY=%d/KEY"} <= {*lines}


def test_the_file_of_a_unix_socket_is_the_users_where_nobody_else_is_named() -> None:
    sockets = [{"name": "s", "path": "/run/x.sock"}]
    made = exported(app("a", user="games", sockets=sockets))
    assert "SocketUser=games" in service(made, "a.s.socket")


def test_stop_and_restart_mean_the_same() -> None:
    backoff = {"initialSeconds": 1, "maxSeconds": 60}
    stop = {"signal": "SIGINT"}
    one = app("a", restartPolicy="OnFailure", backoff=backoff, stop=stop)
    lines = service(exported(one, target=Target(257)))
    assert "Restart=on-failure" in lines
    assert "RestartForceExitStatus=SIGHUP SIGINT SIGTERM SIGPIPE" in lines
    assert {"RestartSec=1s", "RestartSteps=6", "RestartMaxDelaySec=60s"} <= {*lines}
    assert {"KillSignal=SIGINT", "KillMode=mixed", "StartLimitIntervalSec=0"} <= {*lines}
    older = exported(one)
    assert not [line for line in service(older) if "RestartSteps" in line]
    assert told(older)["backoff.maxSeconds"] is Fate.DIFFERS


def test_exit_codes_that_count_as_success_do_so_for_systemd() -> None:
    lines = service(exported(app("a", restartPolicy="OnFailure", successExitCodes=[78, 3])))
    assert {"SuccessExitStatus=3 78", "Restart=on-failure"} <= {*lines}


def test_notify_probes_are_systemds_own_protocol_and_others_are_lost() -> None:
    probes = {"readinessProbe": {"notify": True}, "livenessProbe": {"notify": True}}
    made = exported(app("a", **probes))
    assert {"Type=notify", "WatchdogSec=30s", "NotifyAccess=all"} <= {*service(made)}
    assert not made.notes
    made = exported(app("a", readinessProbe={"httpGet": {"port": 1}}))
    assert "Type=exec" in service(made) and told(made)["readinessProbe"] is Fate.LOST


def test_dependencies_order_and_pull_but_never_stop() -> None:
    migrate = app("migrate", restartPolicy="Never")
    db = app("db", instances=2, readinessProbe={"notify": True})
    web = app("web", dependsOn=["db", {"app": "migrate", "condition": "Completed"}])
    made = exported(migrate, db, web)
    lines = service(made, "web.service")
    assert {"After=db.target", "Wants=db.target", "Requires=migrate.service"} <= {*lines}
    assert "Requires=db.target" not in lines
    assert {"Type=oneshot", "RemainAfterExit=yes"} <= {*service(made, "migrate.service")}


def test_a_name_of_systemds_own_is_refused_and_a_prefix_helps() -> None:
    with pytest.raises(Unwritable, match="--prefix"):
        exported(app("shutdown", instances=2))
    target = Target(252, prefix="my-")
    assert "my-shutdown.target" in exported(app("shutdown", instances=2), target=target).units


@asks_systemd
def test_sockets_are_systemds_and_shared_by_all_instances() -> None:
    sockets = [{"name": "http", "port": 3000}, {"name": "s", "path": "/run/x y.sock"}]
    made = exported(app("a", instances=2, sockets=sockets))
    found = read(made.units, "a.http.socket")
    assert found.values("ListenStream") == ["127.0.0.1:3000"]
    assert found.values("FileDescriptorName") == ["http"]
    assert "Sockets=a.http.socket a.s.socket" in service(made, "a@.service")
    assert {"a.http.socket", "a.s.socket"} <= {*made.enable}
    assert told(made)["sockets"] is Fate.DIFFERS
