"""A cluster as an engine, by conversations with a real one."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli.framework.options import where
from reconciler.cli.verbs.elsewhere.engine import declared
from reconciler.model.state.desired import Desired
from reconciler.model.state.plan import Change, Health, Sync
from reconciler.targets.engine import EngineError
from reconciler.targets.kubernetes.engine import Kubernetes
from tests.targets.kubernetes.played import CONFIG, played

pytest.importorskip("lightkube", reason="SKIPPED: no lightkube")
SETTINGS = "apiVersion: recon/v1\nkind: Settings\nspec: {partOf: shop}\n"
WEB = """apiVersion: recon/v1
kind: App
metadata: {name: web}
spec:
  image: example/web:1
  command: [/bin/web]
  instances: 2
  sockets: [{name: http, port: 8080}]
  env: {A: b, PW: {secretFile: ../pw}}
"""


@pytest.fixture(autouse=True)
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = tmp_path / "config"
    monkeypatch.setenv("KUBECONFIG", str(file))
    yield file


def shop(tmp_path: Path, text: str = WEB, settings: str = SETTINGS) -> Desired:
    folder = tmp_path / "manifests"
    folder.mkdir(exist_ok=True)
    (tmp_path / "pw").write_text("plainly-fake\n")
    (tmp_path / "pw").chmod(0o600)
    (folder / "recon.yaml").write_text(settings)
    (folder / "web.yaml").write_text(text)
    return declared(where(str(folder), str(tmp_path / "state")), with_secrets=True)


def change_of(engine: Kubernetes, desired: Desired, **options: bool) -> Change:
    view = engine.look(desired, None, prune=options.pop("prune", False), **options)
    return next(one.change for one in view.changes.apps if one.app == "web")


def test_a_look_at_what_is_not_there_yet_changes_nothing(tmp_path: Path, kubeconfig: Path) -> None:
    with played("create", kubeconfig) as server:
        change = change_of(Kubernetes("", "UTC"), shop(tmp_path))
    assert (change.action, change.start, change.held) == ("create", 2, False)
    assert server.changes == []


def test_an_apply_sends_secrets_first_and_says_whose_they_are(
    tmp_path: Path, kubeconfig: Path
) -> None:
    with played("create", kubeconfig) as server:
        engine, desired = Kubernetes("", "UTC"), shop(tmp_path)
        engine.apply(desired, None, engine.look(desired, None, prune=False))
    kinds = [
        question.partition("?")[0].rpartition("/")[0].rpartition("/")[2]
        for question in server.changes
    ]
    assert kinds == ["secrets", "services", "deployments"]
    assert all("fieldManager=recon" in question for question in server.changes)
    sent = [body for question, body in server.asked if question in server.changes]
    labels = {one["metadata"]["labels"]["app.kubernetes.io/part-of"] for one in sent}
    assert labels == {"shop"}
    assert "app.kubernetes.io/part-of" not in sent[2]["spec"]["template"]["metadata"]["labels"]


def test_what_runs_as_declared_is_synced_and_healthy(tmp_path: Path, kubeconfig: Path) -> None:
    with played("running", kubeconfig):
        view = Kubernetes("", "UTC").look(shop(tmp_path), None, prune=False)
    (status,) = view.statuses
    assert (status.sync, status.health, status.ready) == (Sync.SYNCED, Health.HEALTHY, 2)
    assert {row.state for row in status.instances} == {"running"}
    (change,) = (one.change for one in view.changes.apps)
    assert (change.action, change.unchanged, change.fields) == ("none", 2, ())


def test_a_field_that_another_client_took_is_drift_and_waits(
    tmp_path: Path, kubeconfig: Path
) -> None:
    with played("drifted", kubeconfig) as server:
        engine, desired = Kubernetes("", "UTC"), shop(tmp_path)
        view = engine.look(desired, None, prune=False)
    (change,) = (one.change for one in view.changes.apps)
    assert change.held and change.action == "none"
    assert [(f.path, f.before, f.after) for f in change.fields] == [
        ("instances", 3, 2),
        ("image", "example/other:1", "example/web:1"),
    ]
    assert any("kubectl-set" in note and "--force-conflicts" in note for note in change.notes)
    (status,) = view.statuses
    assert status.sync is Sync.OUT_OF_SYNC
    assert [one.detail for one in status.drift][1] == "image: example/other:1 → example/web:1"
    assert server.changes == []


def test_force_shows_what_would_be_taken_back(tmp_path: Path, kubeconfig: Path) -> None:
    with played("drifted", kubeconfig):
        change = change_of(Kubernetes("", "UTC"), shop(tmp_path), force=True)
    assert (change.action, change.replace, change.stop) == ("update", 2, 1)
    assert (change.revision_from, change.revision_to) == (2, 3)


def test_history_undo_restart_and_pause_are_the_deployments_own(kubeconfig: Path) -> None:
    with played("history", kubeconfig):
        engine = Kubernetes("", "UTC")
        assert [(one.number, one.state) for one in engine.history("web")] == [
            (1, "superseded"),
            (2, "running"),
        ]
        assert engine.events("web")
    with played("rollout", kubeconfig) as server:
        engine = Kubernetes("", "UTC")
        assert engine.undo("web", 0) == 1
        engine.restart("web")
        engine.pause("web", paused=True)
    undone, restarted, paused = (body for q, body in server.asked if q.startswith("PATCH"))
    template = undone["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "example/web:1"
    assert "pod-template-hash" not in template["metadata"]["labels"]
    assert undone["spec"]["replicas"] == 3, "what an apply leaves out is taken away"
    assert restarted["spec"]["template"]["metadata"]["annotations"]
    assert paused == {"spec": {"paused": True}}


@pytest.mark.parametrize("settings", [SETTINGS, SETTINGS.replace("{partOf: shop}", "{}")])
def test_an_app_that_is_declared_no_more_waits_for_a_person(
    tmp_path: Path, kubeconfig: Path, settings: str
) -> None:
    """All of one app is more than half; and without a name another directory may declare it."""
    renamed = WEB.replace("name: web}", "name: shop}")
    with played("renamed", kubeconfig) as server:
        desired = shop(tmp_path, renamed, settings)
        view = Kubernetes("", "UTC").look(desired, None, prune=False)
    gone = [one.change for one in view.changes.apps if one.app == "web"]
    assert all(change.held and change.action == "none" for change in gone)
    assert server.changes == []


def test_a_manifest_that_cannot_be_read_removes_nothing(tmp_path: Path, kubeconfig: Path) -> None:
    with played("renamed", kubeconfig):
        desired = shop(tmp_path, "kind: App\nmetadata: {name: shop\n")
        view = Kubernetes("", "UTC").look(desired, None, prune=True)
    (change,) = (one.change for one in view.changes.apps)
    assert (change.app, change.held, change.action) == ("web", True, "none")
    assert view.changes.problems


# -- what is not as it should be -------------------------------------------------------------------


def test_no_cluster_is_a_sentence(kubeconfig: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="kubeconfig"):
        Kubernetes("", "UTC")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kubeconfig.write_text(CONFIG.replace("PORT", str(port)))
    with pytest.raises(EngineError, match="does not answer"):
        Kubernetes("", "UTC").look(shop(tmp_path), None, prune=False)
    with pytest.raises(EngineError, match="nowhere"):
        Kubernetes("nowhere", "UTC")


def test_what_the_server_cannot_answer_is_its_own_sentence(
    tmp_path: Path, kubeconfig: Path
) -> None:
    with played("rollout", kubeconfig), pytest.raises(EngineError, match="not recorded"):
        Kubernetes("", "UTC").look(shop(tmp_path), None, prune=False)


def test_without_the_library_the_line_that_brings_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "lightkube", None)
    with pytest.raises(EngineError, match=r"pip install 'recon-reconciler\[kubernetes\]'"):
        Kubernetes("", "UTC")
