"""Objects that Kubernetes takes, with the meaning that the manifest has here."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.convert.engines.draft import Exported
from reconciler.convert.fields import Fate
from reconciler.convert.kubernetes.container import literal
from reconciler.convert.kubernetes.objects import Target, export
from reconciler.convert.kubernetes.resources import memory, processors
from reconciler.convert.kubernetes.schedule import cron
from reconciler.model.state.desired import Workload
from reconciler.model.words.expansion import expanded
from tests.convert.engines.samples import SAMPLES, workload

# It reads a schema of megabytes for each object that it looks at.
kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)
VERSIONS = ("1.29", "1.37")
"""The oldest and the newest release whose schema is looked at."""
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def objects(made: Exported) -> list[dict[str, Any]]:
    texts = [*made.files.values(), *made.secrets.values()]
    return [one for text in texts for one in yaml.safe_load_all(text)]


def exported(*apps: Workload, with_secrets: bool = False) -> Exported:
    made = export(apps, Target("Europe/Paris", with_secrets=with_secrets))
    for one in objects(made):
        for version in VERSIONS:
            kubernetes_validate.validate(one, version, strict=True)
    return made


def of_kind(made: Exported, kind: str) -> dict[str, Any]:
    (found,) = [one for one in objects(made) if one["kind"] == kind]
    return found


def pod(made: Exported, kind: str = "Deployment") -> dict[str, Any]:
    spec: dict[str, Any] = of_kind(made, kind)["spec"]
    if kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: dict[str, Any] = spec["template"]["spec"]
    return template


def container(made: Exported, kind: str = "Deployment") -> dict[str, Any]:
    found: dict[str, Any] = pod(made, kind)["containers"][0]
    return found


def noted(made: Exported) -> dict[str, Fate]:
    return {note.field: note.fate for note in made.notes}


def test_the_schema_refuses_what_it_does_not_know() -> None:
    made = of_kind(exported(workload("App")), "Deployment")
    made["spec"]["novelty"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(made, VERSIONS[1], strict=True)


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_field_alone_gives_valid_objects(kind: str) -> None:
    seen = set[str]()
    for spec in (spec for pair in SAMPLES[kind].values() for spec in pair):
        texts = {*export([workload(kind, **spec)], Target()).files.values()} - seen
        for one in (one for text in texts for one in yaml.safe_load_all(text)):
            kubernetes_validate.validate(one, VERSIONS[1], strict=True)
        seen |= texts


@pytest.mark.parametrize("kind", SAMPLES)
def test_an_item_that_is_known_by_keys_has_them_all(kind: str) -> None:
    """Server-side apply tells the items of a list apart by them; older servers know no default."""
    specs = [spec for pair in SAMPLES[kind].values() for spec in pair]
    made = [export([workload(kind, **spec)], Target()) for spec in specs]
    texts = {text for one in made for text in one.files.values()}
    found = [one for text in texts for one in yaml.safe_load_all(text)]
    assert {lack for one in found for lack in keyless(one, definitions()[one["kind"]])} == set()


@cache
def definitions() -> dict[str, Any]:
    """The schema's types by their last name."""
    package = Path(kubernetes_validate.__file__).parent
    file = package / "kubernetes-json-schema/v1.37.0-local/_definitions.json"
    every = json.loads(file.read_text())["$defs"]
    stable = (name for name in every if re.search(r"\.(core|apps|batch|meta)\.v1\.", name))
    return {name.rpartition(".")[2]: every[name] for name in stable}


def keyless(value: Any, schema: dict[str, Any]) -> Iterator[str]:
    """The lists in which an item lacks a key."""
    schema = definitions().get(schema.get("$ref", "").rpartition(".")[2], schema)
    if isinstance(value, list):
        for item in value:
            for key in schema.get("x-kubernetes-list-map-keys", ()):
                if key not in item:
                    yield f"{item} has no {key}"
            yield from keyless(item, schema["items"])
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from keyless(inner, schema.get("properties", {}).get(name, {}))


# -- what is invented ---------------------------------------------------------------------------

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_TRICKY = st.sampled_from(
    ["no", "1e3", "22:22", "0o7", "012", ".1_5", "~", "null", "$(A)", "$$", "$$(A)", "$", "<<", "="]
)
_TEXTS = _TEXT | _TRICKY | st.text("$()A", max_size=8)
_VARIABLES = st.dictionaries(st.sampled_from(["A", "N", "NO_X", "a.b-c", "_"]), _TEXTS, max_size=4)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_TEXTS, max_size=4), _VARIABLES)
def test_a_program_gets_the_same_words_and_variables(words: list[str], env: dict[str, str]) -> None:
    app = workload("App", command=["serve", *words], env=env)
    made = export([app], Target())
    found = container(made)
    # The kubelet makes the variables one after the other.
    variables: dict[str, str] = {}
    for one in found.get("env", []):
        variables[one["name"]] = kubelet(one["value"], variables)
    assert variables == env
    command = [kubelet(word, variables) for word in found["command"]]
    assert tuple(command) == expanded(("serve", *words), env)


def kubelet(text: str, variables: dict[str, str]) -> str:
    """Kubernetes' own rule (third_party/forked/golang/expansion/expand.go), written again."""
    out, at = "", 0
    while at < len(text):
        if text[at] != "$" or at + 1 == len(text):
            out, at = out + text[at], at + 1
        elif text[at + 1] == "$":
            out, at = out + "$", at + 2
        elif text[at + 1] == "(" and ")" in text[at + 2 :]:
            end = text.index(")", at)
            name = text[at + 2 : end]
            out, at = out + variables.get(name, f"$({name})"), end + 1
        else:
            out, at = out + text[at : at + 2], at + 2
    return out


@given(_TEXTS)
def test_what_is_literal_stays_so(text: str) -> None:
    assert kubelet(literal(text), {"A": "wrong"}) == text


# -- names --------------------------------------------------------------------------------------


def test_names_are_those_that_each_kind_takes() -> None:
    long, number = "a" * 63, "1" * 63
    apps = [
        workload("App", long, sockets=[{"name": "b" * 63, "port": 1}, {"name": "1", "port": 2}]),
        workload("App", number, sockets=[{"name": "http--x", "port": 3}]),
        workload("App", f"svc-{'1' * 59}", sockets=[{"name": "http", "port": 3}]),
        workload("Job", "c" * 63),
        workload("Job", "d" * 63, schedule="@daily"),
        workload("Job", "d" * 62 + "e", schedule="@daily"),
        workload("App", "z", dependsOn=[long, number, "a" * 62 + "b"]),
        workload("App", "a" * 62 + "b", sockets=[{"name": "x", "port": 3}]),
    ]
    made = exported(*apps)
    seen = set()
    for one in objects(made):
        name, kind = one["metadata"]["name"], one["kind"]
        assert (kind, name) not in seen
        seen.add((kind, name))
        assert DNS_LABEL.fullmatch(name) and len(name) <= (52 if kind == "CronJob" else 63)
        if kind == "Service":
            assert name[0].isalpha()
            for port in one["spec"]["ports"]:
                short = port["name"]
                assert len(short) <= 15 and "--" not in short and re.search("[a-z]", short)
        if kind == "Deployment":
            waits = one["spec"]["template"]["spec"].get("initContainers", [])
            names = [wait["name"] for wait in waits]
            assert len({*names}) == len(names) and all(len(name) <= 63 for name in names)


def test_labels_that_kubernetes_does_not_take_are_in_the_report() -> None:
    labels = {
        "tier": "api",
        "team.example/owner": "x",
        "note": "two words",
        "bad key": "x",
        "app.kubernetes.io/name": "other",
    }
    made = exported(replace(workload("App"), labels=labels))
    metadata = of_kind(made, "Deployment")["metadata"]
    assert metadata["labels"] == {
        "app.kubernetes.io/name": "web",
        "app.kubernetes.io/managed-by": "recon",
        "tier": "api",
        "team.example/owner": "x",
    }
    assert metadata["annotations"] == {"note": "two words"}
    fates = noted(made)
    assert fates["metadata.labels.note"] is Fate.DIFFERS
    assert fates["metadata.labels.bad key"] is Fate.LOST
    assert fates["metadata.labels.app.kubernetes.io/name"] is Fate.LOST


def test_another_revision_of_a_job_is_another_job_and_a_resumed_one_is_not() -> None:
    def name(**spec: Any) -> str:
        found: str = of_kind(exported(workload("Job", **spec)), "Job")["metadata"]["name"]
        return found

    assert name() == name() == name(suspend=True)
    assert name() != name(command=["other"]) and name().startswith("web-")


# -- one by one ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (
            {"maxSurge": 0, "maxUnavailable": 0},
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        ),
        (
            {"maxUnavailable": "300%"},
            {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "100%"}},
        ),
        ({"type": "Recreate"}, {"type": "Recreate"}),
        ({"type": "RollingUpdate"}, {"type": "RollingUpdate"}),
    ],
)
def test_what_kubernetes_refuses_of_a_strategy_is_written_as_recon_means_it(
    strategy: Any, expected: Any
) -> None:
    made = of_kind(exported(workload("App", strategy=strategy)), "Deployment")
    assert made["spec"]["strategy"] == expected


def test_times_are_whole_and_the_deadline_is_the_later() -> None:
    made = exported(workload("App", minReadySeconds=1.1, progressDeadlineSeconds=1.2))
    spec = of_kind(made, "Deployment")["spec"]
    assert (spec["minReadySeconds"], spec["progressDeadlineSeconds"]) == (2, 3)
    assert noted(made)["minReadySeconds"] is Fate.DIFFERS


@pytest.mark.parametrize("probe", [{"log": "up"}, {"notify": True}])
def test_a_pod_without_its_probe_must_be_up_for_a_second(probe: Any) -> None:
    made = exported(workload("App", readinessProbe=probe))
    assert of_kind(made, "Deployment")["spec"]["minReadySeconds"] == 1
    assert noted(made)["readinessProbe"] is Fate.LOST


@pytest.mark.parametrize(
    ("size", "quantity"), [(512 * 2**20, "512Mi"), (2**30, "1Gi"), (4096, "4Ki"), (1000, "1000")]
)
def test_sizes_are_exact(size: int, quantity: str) -> None:
    assert memory(size) == quantity


@pytest.mark.parametrize(("cpu", "quantity"), [("1.5", "1500m"), ("2", "2"), ("0.01", "10m")])
def test_processors_are_as_kubernetes_shows_them(cpu: str, quantity: str) -> None:
    assert processors(cpu) == quantity


@pytest.mark.parametrize(
    ("written", "found"),
    [("30 3 * * 7", "30 3 * * 0"), ("0 0 * * 5-7", "0 0 * * 0,5,6"), ("0 0 1-7 * MON", None)],
)
def test_a_week_ends_with_six(written: str, found: str | None) -> None:
    assert cron(written) == (found or written)


@pytest.mark.parametrize("schedule", ["0 0 L * *", "0 0 LW * *", "0 0 * * MON#2", "0 0 * * 5L"])
def test_a_schedule_that_kubernetes_does_not_know_is_refused(schedule: str) -> None:
    made = exported(workload("Job", schedule=schedule), workload("Job", "other"))
    (refused,) = made.refused
    assert (refused.app, refused.path) == ("web", "schedule") and [*made.files] == ["other.yaml"]


def test_a_schedule_is_in_the_time_zone_of_this_host() -> None:
    made = exported(workload("Job", schedule="30 2 */2 * MON"))
    assert of_kind(made, "CronJob")["spec"]["timeZone"] == "Europe/Paris"
    texts = [note.text for note in made.notes if note.field == "schedule"]
    assert any("either" in text for text in texts) and any("clocks" in text for text in texts)


def test_users_by_name_are_to_do_and_root_is_a_number() -> None:
    made = exported(workload("App", user="www-data", group="33", supplementaryGroups=["adm", "4"]))
    assert container(made)["securityContext"] == {"runAsGroup": 33}
    assert pod(made)["securityContext"] == {"supplementalGroups": [4]}
    assert noted(made)["user"] is noted(made)["supplementaryGroups"] is Fate.TODO
    root = exported(workload("App", user="root"))
    assert container(root)["securityContext"] == {"runAsUser": 0}


def test_an_app_without_an_image_is_refused_with_a_sentence() -> None:
    made = exported(workload("App", image=None), workload("App", "other", dependsOn=["web"]))
    (refused,) = made.refused
    assert refused.path == "image" and "Kubernetes runs nothing but images" in refused.message
    assert noted(made)["dependsOn.0"] is Fate.LOST


def test_values_of_secrets_are_written_only_where_that_is_wanted() -> None:
    env = {"PW": {"secretFile": "/x"}, "KEY": {"credential": "/y"}}
    app = workload("App", env=env, envFrom=[{"file": "/z"}], user="1000")
    values: dict[str, str | bytes] = {"PW": "s3cret", "KEY": b"\0key", "DOT": "é $(A)"}
    app = replace(app, secrets=values)
    bare = exported(app)
    assert not bare.secrets and "s3cret" not in str(bare)
    made = exported(app, with_secrets=True)
    data = {}
    for one in yaml.safe_load_all(made.secrets["web.secret.yaml"]):
        data[one["metadata"]["name"]] = {
            name: base64.b64decode(value) for name, value in one["data"].items()
        }
    assert data == {
        "web-env": {"PW": b"s3cret", "DOT": "é $(A)".encode()},
        "web-credentials": {"KEY": b"\0key"},
    }
    assert "s3cret" not in str(made.files) and made.files == bare.files
    mounted = pod(made)["volumes"][0]["secret"]
    name = "web-credentials"
    assert mounted == {"secretName": name, "defaultMode": 0o440, "optional": False}
    assert pod(made)["securityContext"] == {"fsGroup": 1000}


def test_an_app_that_ends_is_a_job() -> None:
    once = of_kind(exported(workload("App", restartPolicy="Never")), "Job")["spec"]
    assert once["backoffLimit"] == 0 and once["template"]["spec"]["restartPolicy"] == "Never"
    many = exported(workload("App", restartPolicy="OnFailure", instances=3))
    spec = of_kind(many, "Job")["spec"]
    assert (spec["completions"], spec["parallelism"]) == (3, 3)
    assert spec["template"]["spec"]["restartPolicy"] == "OnFailure"


def test_a_pod_waits_for_a_service_and_for_nothing_that_it_cannot_see() -> None:
    db = workload("App", "db", sockets=[{"name": "pg", "port": 5432}])
    probed = workload("App", "cache", livenessProbe={"tcpSocket": {"port": 6379}})
    job = workload("Job", "migrate")
    web = workload("App", dependsOn=["db", "cache", "migrate", {"app": "mute"}])
    made = exported(db, probed, job, workload("App", "mute"), web)
    template = next(
        one["spec"]["template"]["spec"]
        for one in objects(made)
        if one["kind"] == "Deployment" and one["metadata"]["name"] == "web"
    )
    waits = [one["command"][-2:] for one in template["initContainers"]]
    assert waits == [["db", "5432"], ["cache", "6379"]]
    fates = {note.field: note.fate for note in made.notes if note.app == "web"}
    assert fates["dependsOn.2"] is Fate.TODO and fates["dependsOn.3"] is Fate.LOST
