"""Manifests: Kubernetes' names and defaults; what is wrong is refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.model.spec.manifest import App, AppManifestSpec, AppSpec, SettingsSpec
from reconciler.model.spec.privileges import Capabilities
from reconciler.model.spec.probe import HttpGet, Probe
from reconciler.model.state.revision import template_of
from reconciler.model.words.fields import effects


def _spec(**fields: Any) -> AppSpec:
    return AppSpec.model_validate({"command": ["a"], **fields})


def _refused(**fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        _spec(**fields)
    return str(caught.value)


def test_defaults_are_those_of_a_deployment_and_its_pods() -> None:
    dumped = _spec().model_dump(mode="json", by_alias=True)
    assert dumped["instances"] == 1  # replicas
    assert dumped["strategy"] == {
        "type": "RollingUpdate",
        "maxSurge": "25%",
        "maxUnavailable": "25%",
        "canary": None,
    }
    assert dumped["progressDeadlineSeconds"] == 600
    assert dumped["revisionHistoryLimit"] == 10
    assert dumped["restartPolicy"] == "Always"
    assert dumped["terminationGracePeriodSeconds"] == 30
    assert dumped["stop"]["signal"] == "SIGTERM"


def test_defaults_of_a_probe_are_those_of_a_container() -> None:
    probe = Probe.model_validate({"httpGet": {"port": 80}})
    assert probe.model_dump(by_alias=True) == {
        "httpGet": {
            "port": 80,
            "path": "/",
            "host": "127.0.0.1",
            "scheme": "HTTP",
            "httpHeaders": (),
        },
        "tcpSocket": None,
        "exec": None,
        "log": None,
        "notify": None,
        "initialDelaySeconds": 0,
        "periodSeconds": 10,
        "timeoutSeconds": 1,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def test_backoff_has_the_ladder_of_the_design() -> None:
    dumped = _spec().backoff.model_dump(by_alias=True)
    assert dumped == {"initialSeconds": 1, "maxSeconds": 60, "resetSeconds": 600}


def test_ready_without_a_probe_means_up_for_a_second() -> None:
    probe = {"tcpSocket": {"port": 1}}
    assert _spec().min_ready == 1
    assert _spec(readinessProbe=probe).min_ready == 0
    assert _spec(minReadySeconds=0).min_ready == 0
    assert _spec(readinessProbe=probe, minReadySeconds=4).min_ready == 4


def test_every_field_says_what_its_change_does() -> None:
    names = {field.alias or name for name, field in AppSpec.model_fields.items()}
    assert effects(AppSpec).keys() == names


def test_every_field_of_a_spec_is_described() -> None:
    assert [n for n, field in AppManifestSpec.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"instances": -1}, "greater than or equal to 0"),
        ({"instances": 100_001}, "less than or equal to 100000"),
        ({"command": []}, "needs at least a program"),
        ({"command": ""}, "needs at least a program"),
        ({"command": ["a", "b\0"]}, "cannot contain a NUL byte"),
        ({"command": "a 'b"}, "No closing quotation"),
        ({"env": {"RECON_ID": "x"}}, "it cannot be set"),
        ({"env": {"A=B": "x"}}, "write A: VALUE"),
        ({"env": {"A B": "x"}}, "is not a valid name of an environment variable"),
        ({"env": {"A": "x\0"}}, "contains a NUL byte"),
        ({"umask": "099"}, "write it in octal"),
        ({"stop": {"signal": "SIGKILL"}}, "not a signal that can stop a program"),
        ({"stop": {"signal": "TERMINATE"}}, "not a signal that can stop a program"),
        ({"readinessProbe": {}}, "exactly one of httpGet, tcpSocket, exec, log, notify"),
        ({"readinessProbe": {"tcpSocket": {"port": 0}}}, "greater than or equal to 1"),
        ({"readinessProbe": {"tcpSocket": {"port": 65536}}}, "less than or equal to 65535"),
        ({"strategy": {"maxSurge": "-1%"}}, "not a valid number of instances or percentage"),
        ({"minReadySeconds": float("inf")}, "finite number"),
        ({"terminationGracePeriodSeconds": -1}, "greater than or equal to 0"),
        ({"minReadySeconds": 60, "progressDeadlineSeconds": 60}, "no update could succeed"),
        ({"logs": {"rotate": {"size": "9" * 400}}}, "is not a size"),
        ({"replicas": 2}, "Extra inputs are not permitted"),
        ({"revisionHistoryLimit": 0}, "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_told(fields: dict[str, Any], told: str) -> None:
    assert told in _refused(**fields)


def test_no_error_shows_what_was_written() -> None:
    assert "hunter2" not in _refused(env={"PASSWORD": ["hunter2"]})


@pytest.mark.parametrize("name", ["a", "a-b", "0", "a" * 63])
def test_names_that_are_allowed(name: str) -> None:
    App.model_validate(_document(name))


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a/b", "a.b", "a" * 64, "a\n"])
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(ValidationError, match="is not a name"):
        App.model_validate(_document(name))


def _document(name: str) -> dict[str, Any]:
    spec = {"command": "a"}
    return {"apiVersion": "recon/v1", "kind": "App", "metadata": {"name": name}, "spec": spec}


def test_signals_and_masks_are_read_in_their_usual_forms() -> None:
    assert _spec(stop={"signal": "INT"}).stop.signal == "SIGINT"
    assert [_spec(umask=mask).umask for mask in ("22", "022", "0027", "7")] == [
        "022",
        "022",
        "027",
        "007",
    ]


def test_suspended_is_declared_and_not_wanted() -> None:
    assert _spec(instances=3, suspend=True).wanted == 0


def test_a_port_may_differ_by_instance() -> None:
    get = HttpGet.model_validate({"port": {"perInstance": 3000}})
    assert get.model_dump(by_alias=True)["port"] == {"perInstance": 3000}


def test_settings_are_safe_by_default() -> None:
    assert SettingsSpec().model_dump(by_alias=True) == {
        "defaults": {},
        "maxPrune": None,
        "allowEmpty": False,
        "profile": None,
        "target": None,
        "partOf": None,
        "notify": (),
    }


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ({"type": "Recreate", "canary": {}}, "a canary needs type RollingUpdate"),
        ({"canary": {"instances": 0}}, "a canary needs at least one instance"),
        ({"canary": {"instances": "0%"}}, "a canary needs at least one instance"),
        ({"canary": {"seconds": -1}}, "greater than or equal to 0"),
    ],
)
def test_a_canary_that_cannot_be_is_refused(strategy: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        AppSpec.model_validate({"command": ["x"], "strategy": strategy})


def test_a_canary_is_one_instance_for_a_minute_and_no_part_of_the_template() -> None:
    spec = AppSpec.model_validate({"command": ["x"], "strategy": {"canary": {}}})
    assert spec.strategy.canary is not None
    assert (spec.strategy.canary.instances, spec.strategy.canary.seconds) == (1, 60)
    assert "strategy" not in template_of(spec)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("instances", True),
        ("instances", "3"),
        ("instances", 2.0),
        ("suspend", "yes"),
        ("suspend", 1),
        ("terminationGracePeriodSeconds", "30"),
        ("terminationGracePeriodSeconds", True),
        ("readinessProbe", {"tcpSocket": {"port": "3000"}}),
        ("readinessProbe", {"tcpSocket": {"port": 3000}, "periodSeconds": "2"}),
    ],
)
def test_numbers_are_numbers_and_truth_is_truth(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        AppSpec.model_validate({"command": ["a"], field: value})


def test_capabilities_have_kubernetes_names_in_any_spelling_and_one_order() -> None:
    def dropped(*names: str) -> tuple[str, ...]:
        made = _spec(capabilities={"drop": list(names)}).capabilities
        assert made is not None
        return made.drop

    assert dropped("net_raw", "CAP_CHOWN", "NET_RAW") == ("CHOWN", "NET_RAW")
    assert dropped("NET_RAW", "ALL") == ("ALL",)
    assert "did you mean SYS_ADMIN?" in _refused(capabilities={"drop": ["SYSADMIN"]})


def test_all_capabilities_are_those_of_the_kernel_and_none_that_it_lacks() -> None:
    everything, some = Capabilities(drop=("ALL",)), Capabilities(drop=("BPF", "CHOWN"))
    assert everything.numbers(last=40) == tuple(range(41))
    assert everything.numbers(last=43)[-1] == 43, "one that has no name here yet"
    assert some.numbers(last=40) == (0, 39)
    assert some.numbers(last=37) == (0,)


def test_a_group_is_a_name_or_a_number() -> None:
    assert _spec(supplementaryGroups=["adm", 4]).supplementary_groups == ("adm", "4")
    assert _refused(supplementaryGroups=[True])


def test_the_file_of_a_unix_socket_is_the_apps_users_unless_another_is_named() -> None:
    sockets = [{"name": "a", "path": "/a"}, {"name": "b", "path": "/b", "owner": "web"}]
    sockets.append({"name": "c", "port": 80})  # type: ignore[dict-item]
    owners = [one.owner for one in _spec(user="crm", sockets=sockets).owned_sockets]
    assert owners == ["crm", "web", None]
    assert [one.owner for one in _spec(sockets=sockets).owned_sockets] == [None, "web", None]
