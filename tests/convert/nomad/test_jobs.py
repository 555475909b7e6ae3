"""Jobs of Nomad with the meaning that the manifest has here."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.convert.engines.draft import Exported
from reconciler.convert.fields import Fate
from reconciler.convert.nomad.jobs import Target, export
from reconciler.convert.nomad.task import literal
from reconciler.model.state.desired import Workload
from tests.convert.engines.samples import workload

KEYS = {
    "Job": "ID Name Type Datacenters Meta Periodic TaskGroups",
    "Periodic": "Enabled Spec SpecType TimeZone ProhibitOverlap",
    "TaskGroups": "Name Count RestartPolicy ReschedulePolicy Update Networks Services "
    "EphemeralDisk Tasks",
    "Update": "MaxParallel Canary AutoPromote AutoRevert HealthCheck MinHealthyTime "
    "HealthyDeadline ProgressDeadline",
    "Tasks": "Name Driver User Config Env Templates Resources KillTimeout KillSignal LogConfig",
    "Templates": "EmbeddedTmpl DestPath Envvars ChangeMode Perms Uid",
}
"""Names that Nomad's api package has (api/jobs.go, api/tasks.go)."""


def exported(*apps: Workload) -> Exported:
    made = export(apps, Target("Europe/Paris"))
    for text in made.files.values():
        known("Job", json.loads(text)["Job"])
    return made


def known(name: str, data: Any) -> None:
    """Go leaves out what it does not know, without an error: so each name is looked at."""
    for one in data if isinstance(data, list) else [data]:
        assert one.keys() <= {*KEYS[name].split()}, name
        for inner in one.keys() & KEYS.keys():
            known(inner, one[inner])


def job(kind: str = "App", **spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(exported(workload(kind, **spec)).files["web.nomad.json"])[
        "Job"
    ]
    return found


def group(kind: str = "App", **spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = job(kind, **spec)["TaskGroups"][0]
    return found


def task(kind: str = "App", **spec: Any) -> dict[str, Any]:
    found: dict[str, Any] = group(kind, **spec)["Tasks"][0]
    return found


def test_the_line_of_shell_becomes_the_program_as_recon_starts_it(tmp_path: Path) -> None:
    folder = tmp_path / "a b $HOME"
    folder.mkdir()
    tell = 'pwd; umask; ulimit -n; printf "%s|" "$@"'
    words = ["sh", "-c", tell, "sh", "it's", "$X", "a b", "", "-x"]
    limits = {"openFiles": 64}
    config = task(command=words, cwd=str(folder), umask="027", limits=limits)["Config"]
    done = subprocess.run(
        [config["command"], *config["args"]], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [str(folder), "0027", "64", "it's|$X|a b||-x|"]


def test_a_run_that_takes_too_long_is_ended() -> None:
    config = task("Job", command=["sleep", "1000"], cwd="/", activeDeadlineSeconds=0.1)["Config"]
    done = subprocess.run([config["command"], *config["args"]], check=False)
    assert done.returncode == 124


def test_what_nomad_would_expand_is_literal() -> None:
    made = task(command=["serve", "${HOME}", "%{if}"], env={"A": "${HOME}", "B": "$(A)"})
    assert made["Config"]["args"][-2:] == [literal("${HOME}"), "%%{if}"] == ["$${HOME}", "%%{if}"]
    assert made["Env"] == {"B": "$(A)"}
    assert made["Templates"][0]["EmbeddedTmpl"] == 'A="${HOME}"\n'


def test_secrets_are_in_variables_of_nomad_and_in_no_job() -> None:
    env = {
        "PW": {"secretFile": "/x"},
        "KEY": {"credential": "/y"},
        "PORT": {"perInstance": 3000},
        "PLAIN": "p",
    }
    app = replace(workload("App", env=env, user="1000"), secrets={"PW": "s3cret", "KEY": b"key"})
    made = exported(app)
    text = made.files["web.nomad.json"]
    assert "s3cret" not in text and "s3cret" not in str(made.notes)
    found = json.loads(text)["Job"]["TaskGroups"][0]["Tasks"][0]
    first, second = found["Templates"]
    assert first["Envvars"] and 'nomadVar "nomad/jobs/web"' in first["EmbeddedTmpl"]
    assert 'PORT={{ env "NOMAD_ALLOC_INDEX" | parseInt | add 3000 }}' in first["EmbeddedTmpl"]
    assert second["DestPath"] == "secrets/KEY" and second["Uid"] == 1000
    assert found["Env"]["KEY"] == "${NOMAD_SECRETS_DIR}/KEY" and found["Env"]["PLAIN"] == "p"
    fates = {note.field: note.fate for note in made.notes}
    assert fates["env.PW.secretFile"] is fates["env.KEY.credential"] is Fate.TODO


@pytest.mark.parametrize(
    ("limits", "resources"),
    [
        ({}, {"MemoryMB": 300}),
        ({"memory": "512Mi"}, {"MemoryMB": 512}),
        ({"memoryHard": "1Gi"}, {"MemoryMB": 1024}),
        ({"memory": "300Mi", "memoryHard": "400Mi"}, {"MemoryMB": 300, "MemoryMaxMB": 400}),
        ({"memory": "1Mi", "cpu": 1.5}, {"MemoryMB": 10, "CPU": 1500}),
    ],
)
def test_memory_is_always_written(limits: Any, resources: Any) -> None:
    assert task(limits=limits)["Resources"] == resources


@pytest.mark.parametrize(
    ("spec", "at_once", "canaries"),
    [
        ({}, 1, 1),  # a quarter of one: nothing may be down
        ({"instances": 8}, 2, 0),
        ({"instances": 4, "strategy": {"maxSurge": 1, "maxUnavailable": 0}}, 1, 4),
        ({"instances": 4, "strategy": {"type": "Recreate"}}, 4, 0),
        ({"instances": 4, "strategy": {"canary": {"instances": 2}}}, 1, 2),
        ({"strategy": {"maxSurge": 0, "maxUnavailable": 0}}, 1, 0),
    ],
)
def test_an_update_keeps_up_what_the_manifest_says(spec: Any, at_once: int, canaries: int) -> None:
    update = group(**spec)["Update"]
    assert (update["MaxParallel"], update["Canary"]) == (at_once, canaries)
    assert update["AutoRevert"] and update["AutoPromote"] is (canaries > 0)
    assert update["MinHealthyTime"] < update["HealthyDeadline"] < update["ProgressDeadline"]


def test_probes_are_checks_of_a_service() -> None:
    probe = {"httpGet": {"port": 3000, "path": "up", "scheme": "HTTPS"}, "periodSeconds": 0.5}
    found = group(readinessProbe=probe, livenessProbe={"tcpSocket": {"port": 3000}})
    assert found["Networks"][0]["ReservedPorts"] == [{"Label": "port_3000", "Value": 3000}]
    (service,) = found["Services"]
    ready, live = service["Checks"]
    assert (ready["Type"], ready["Path"], ready["Interval"]) == ("http", "/up", 10**9)
    assert live["CheckRestart"] == {"Limit": 3, "Grace": 0}
    assert found["Update"]["HealthCheck"] == "checks"


@pytest.mark.parametrize("seconds", [0, 0.1, 1, 30, 120])
@pytest.mark.parametrize("kind", ["App", "Job"])
def test_tries_fit_into_their_interval(kind: str, seconds: float) -> None:
    policy = group(kind, backoff={"initialSeconds": seconds})["RestartPolicy"]
    assert policy["Attempts"] * policy["Delay"] <= policy["Interval"] >= 5 * 10**9


def test_what_ends_is_a_batch_job_and_a_schedule_makes_it_periodic() -> None:
    assert job(restartPolicy="OnFailure")["Type"] == job("Job")["Type"] == "batch"
    assert (
        "Update" not in group("Job")
        and group("Job", backoffLimit=2)["RestartPolicy"]["Attempts"] == 2
    )
    periodic = job("Job", schedule="0 0 L * *", concurrencyPolicy="Forbid")["Periodic"]
    assert periodic == {
        "Enabled": True,
        "Spec": "0 0 L * *",
        "SpecType": "cron",
        "TimeZone": "Europe/Paris",
        "ProhibitOverlap": True,
    }
    assert job("Job", schedule="@daily", suspend=True)["Periodic"]["Enabled"] is False
    assert group(suspend=True)["Count"] == 0


def test_logs_that_are_large_get_room() -> None:
    found = group(logs={"rotate": {"size": "100Mi", "keep": 4}})
    assert found["Tasks"][0]["LogConfig"] == {"MaxFiles": 5, "MaxFileSizeMB": 100}
    assert found["EphemeralDisk"]["SizeMB"] > 2 * 500
