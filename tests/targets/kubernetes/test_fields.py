"""Which fields differ, in the manifest's words where it has the field."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.words.fields import Effect
from reconciler.targets.kubernetes.fields import differences


def deployment(replicas: int = 1, **container: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "web", "image": "a:1", **container}]}
    spec = {"replicas": replicas, "template": {"spec": pod}}
    return {"metadata": {"name": "web"}, "spec": spec}


def paths(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any, Effect]]:
    found = differences("Deployment", before, after)
    return [(one.path, one.before, one.after, one.effect) for one in found]


def test_the_manifests_words() -> None:
    before = deployment(1, env=[{"name": "A", "value": "x"}], resources={"limits": {"cpu": "1"}})
    after = deployment(2, image="a:2", env=[{"name": "B", "value": "y"}])
    assert paths(before, after) == [
        ("instances", 1, 2, Effect.IN_PLACE),
        ("image", "a:1", "a:2", Effect.REPLACES),
        ("env.A", "x", None, Effect.REPLACES),
        ("env.B", None, "y", Effect.REPLACES),
        (
            "Deployment.spec.template.spec.containers[web].resources",
            {"limits": {"cpu": "1"}},
            None,
            Effect.REPLACES,
        ),
    ]


def test_what_the_server_writes_is_no_difference() -> None:
    live = deployment() | {"status": {"replicas": 1}}
    live["metadata"] = {"name": "web", "resourceVersion": "1", "managedFields": [], "uid": "u"}
    assert paths(live, deployment()) == []


def test_a_secret_shows_no_value() -> None:
    before, after = ({"metadata": {}, "data": {"A": text}} for text in ("czE=", "czI="))
    (found,) = differences("Secret", before, after)
    assert (found.path, found.before, found.after) == ("Secret.data.A", "***", "***")


_JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), _JSON), st.dictionaries(st.text(max_size=4), _JSON))
def test_nothing_differs_but_what_does(before: dict[str, Any], after: dict[str, Any]) -> None:
    one, other = ({"metadata": {}, "spec": spec} for spec in (before, after))
    assert differences("Service", one, one) == []
    assert bool(differences("Service", one, other)) == (before != after)
