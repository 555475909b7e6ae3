"""The engine against a server that plays what a real Nomad answered (``recorded/README.md``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.model.state.desired import Desired
from reconciler.model.state.memory import Outcome
from reconciler.model.state.plan import AppStatus, Change, Health, Sync
from reconciler.model.words.fields import Effect
from reconciler.targets.engine import EngineError, View
from reconciler.targets.nomad.engine import Nomad
from tests.targets.nomad.played import Played, Reply, Request

Declared = Callable[..., Desired]
Replay = Callable[[str], None]
WRITES = ("PUT", "DELETE")


def change(view: View, app: str) -> Change:
    return next(one.change for one in view.changes.apps if one.app == app)


def status(view: View, app: str) -> AppStatus:
    return next(one for one in view.statuses if one.name == app)


def writes(played: Played) -> list[str]:
    """What a look must not do; a plan is a POST that changes nothing."""
    posts = [r.path for r in played.requests if r.method == "POST" and not r.path.endswith("/plan")]
    return [*posts, *(f"{r.method} {r.path}" for r in played.requests if r.method in WRITES)]


def test_what_is_as_declared_is_synced(
    nomad: Nomad, played: Played, replay: Replay, declared: Declared
) -> None:
    replay("settled")
    view = nomad.look(declared(), None, prune=False)
    assert {one.change.action for one in view.changes.apps} == {"none"}
    web = status(view, "web")
    assert (web.sync, web.health, web.ready, web.updated) == (Sync.SYNCED, Health.HEALTHY, 3, 3)
    assert [row.name for row in web.instances] == ["web-0", "web-1", "web-2"]
    assert writes(played) == []


def test_an_instance_without_a_place_says_why(
    nomad: Nomad, replay: Replay, declared: Declared
) -> None:
    replay("settled")
    big = status(nomad.look(declared(), None, prune=False), "big")
    assert big.message == "1 instance has no place: too little memory on 1 of 1 nodes"
    assert (big.health, big.ready, big.desired) == (Health.PROGRESSING, 0, 1)
    assert [one.reason for one in big.conditions if one.type == "ReplicaFailure"] == [
        "FailedPlacement"
    ]


def test_jobs_have_runs(nomad: Nomad, replay: Replay, declared: Declared) -> None:
    replay("settled")
    view = nomad.look(declared(), None, prune=False)
    for name, why in (("report", "revision 1"), ("nightly", "schedule")):
        found = status(view, name)
        assert found.job is not None
        run = found.job.runs[-1]
        assert (run.why, run.outcome, str(run.exit)) == (why, Outcome.SUCCEEDED, "exit 0")
        assert found.health is Health.HEALTHY


def test_a_plan_has_the_manifests_fields_and_the_schedulers_numbers(
    nomad: Nomad, played: Played, replay: Replay, declared: Declared
) -> None:
    replay("edited")
    view = nomad.look(declared(), None, prune=False)
    web = change(view, "web")
    fields = {one.path: (one.before, one.after, one.effect) for one in web.fields}
    assert fields == {
        "instances": ("2", "3", Effect.IN_PLACE),
        "env.A": ("1", "2", Effect.REPLACES),
    }
    assert (web.action, web.revision_from, web.revision_to) == ("update", 1, 2)
    assert (web.start, web.replace, web.stop) == (1, 2, 0)
    assert change(view, "nightly").action == "create"
    assert change(view, "nightly").notes == ("runs by its schedule (0 3 * * *)",)
    assert status(view, "web").sync is Sync.OUT_OF_SYNC
    assert writes(played) == []


def test_a_rollout_shows_both_revisions(nomad: Nomad, replay: Replay, declared: Declared) -> None:
    replay("rolling")
    web = status(nomad.look(declared(), None, prune=False), "web")
    assert (web.health, web.message) == (Health.PROGRESSING, "2 of 3 instances are available")
    assert [row.revision for row in web.instances] == [2, 1, 2]


def test_a_crash_shows_its_exit_and_its_tries(
    nomad: Nomad, replay: Replay, declared: Declared
) -> None:
    replay("crashing")
    web = status(nomad.look(declared(), None, prune=False), "web")
    assert (web.health, web.message) == (Health.DEGRADED, "web-0: exit 127")
    assert (web.instances[0].state, web.instances[0].restarts) == ("backoff", 4)


def test_a_revision_that_nomad_took_back_is_no_success(
    nomad: Nomad, replay: Replay, declared: Declared
) -> None:
    replay("reverted")
    web = status(nomad.look(declared(), None, prune=False), "web")
    assert web.health is Health.DEGRADED
    assert web.message == "revision 3 failed: web-0: exit 127; Nomad put revision 2 back"
    assert [one.state for one in nomad.history("web")] == ["good", "good", "failed", "running"]


def test_a_change_by_another_client_is_drift(
    nomad: Nomad, replay: Replay, declared: Declared
) -> None:
    replay("scaled")
    view = nomad.look(declared(), None, prune=False)
    assert [one.detail for one in status(view, "web").drift] == ["instances: 5 → 3"]
    assert (change(view, "web").stop, change(view, "web").replace) == (2, 0)


def test_a_job_that_recon_did_not_make_is_left_alone(
    nomad: Nomad, played: Played, replay: Replay, declared: Declared
) -> None:
    replay("foreign")
    other = "{apiVersion: recon/v1, kind: App, metadata: {name: other}, spec: {command: [x]}}"
    desired = declared(other=other)
    view = nomad.look(desired, None, prune=True)
    found = change(view, "other")
    assert (found.action, found.held) == ("none", True)
    assert "was not made from this directory" in found.notes[0]
    played.answers["POST /v1/jobs"] = {}
    nomad.apply(desired, None, view)
    assert "other" not in [one["Job"]["ID"] for one in played.sent("POST", "/v1/jobs")]
    forced = change(nomad.look(desired, None, prune=True, force=True), "other")
    assert (forced.action, forced.held) == ("update", False)


def test_an_apply_holds_the_server_to_what_was_looked_at(
    nomad: Nomad, played: Played, replay: Replay, declared: Declared
) -> None:
    replay("edited")
    desired = declared()
    view = nomad.look(desired, None, prune=False)
    played.answers["POST /v1/jobs"] = {"JobModifyIndex": 99}
    nomad.apply(desired, None, view)
    sent = {one["Job"]["ID"]: one for one in played.sent("POST", "/v1/jobs")}
    index = played.answers["GET /v1/job/web"]["JobModifyIndex"]
    assert sent.keys() == {"web", "nightly"}
    assert (sent["web"]["EnforceIndex"], sent["web"]["JobModifyIndex"]) == (True, index)
    assert sent["nightly"]["JobModifyIndex"] == 0


def test_anothers_write_is_not_overwritten(
    nomad: Nomad, played: Played, replay: Replay, declared: Declared
) -> None:
    replay("edited")
    desired = declared()
    view = nomad.look(desired, None, prune=False)

    def conflict(_: Request) -> Reply:
        job = played.answers["GET /v1/job/web"]
        played.answers["GET /v1/job/web"] = {**job, "JobModifyIndex": 4711}
        return Reply(b"Enforcing job modify index 16: conflicting job modify index: 4711", 500)

    played.answers["POST /v1/jobs"] = conflict
    with pytest.raises(EngineError, match="web was not changed: another client changed it"):
        nomad.apply(desired, ["web"], nomad.look(desired, ["web"], prune=False))
    assert view.changes


def test_what_is_not_declared_goes_only_when_it_is_confirmed(
    nomad: Nomad, played: Played, replay: Replay, declared: Declared
) -> None:
    replay("settled")
    desired = declared(big="")
    held = change(nomad.look(desired, None, prune=False), "big")
    assert (held.action, held.held) == ("none", True)
    view = nomad.look(desired, None, prune=True)
    assert change(view, "big").action == "delete"
    played.answers["DELETE /v1/job/big"] = {}
    nomad.apply(desired, None, view)
    assert writes(played) == ["DELETE /v1/job/big"]


def test_a_manifest_that_cannot_be_read_removes_nothing(
    nomad: Nomad, replay: Replay, declared: Declared
) -> None:
    replay("settled")
    view = nomad.look(declared(big="kind: [", web=""), None, prune=True)
    for name in ("big", "web"):
        assert (change(view, name).action, change(view, name).held) == ("none", True)
        assert "may declare it, so it keeps running" in change(view, name).notes[0]


def test_a_job_of_another_directory_is_not_removed(
    nomad: Nomad, played: Played, replay: Replay, declared: Declared
) -> None:
    replay("settled")
    job = played.answers["GET /v1/job/big"]
    job["Meta"]["part-of"] = "elsewhere"
    view = nomad.look(declared(big=""), None, prune=True)
    assert "big" not in [one.app for one in view.changes.apps]


def test_what_the_server_refuses_is_a_problem_of_the_manifest(
    nomad: Nomad, played: Played, replay: Replay, declared: Declared
) -> None:
    replay("settled")
    played.answers["POST /v1/job/web/plan"] = Reply(b"1 error: Missing\x1b[2J driver", 500)
    desired = declared()
    view = nomad.look(desired, None, prune=False)
    (problem,) = view.changes.problems
    assert problem.file == desired.apps["web"].source.file
    assert problem.message == "Nomad refuses the job: 1 error: Missing [2J driver"
    nomad.apply(desired, None, view)
    assert writes(played) == []


SECRET = """
apiVersion: recon/v1
kind: App
metadata: {name: web}
spec:
  command: [sleep, "1000"]
  env: {PASSWORD: {secretFile: password}}
"""


@pytest.fixture
def with_secret(declared: Declared, tmp_path: Any) -> Desired:
    (tmp_path / "manifests").mkdir()
    desired = declared(web=SECRET, report="", nightly="", big="")
    file = next(iter(desired.problems), None)
    assert file is not None  # the file of the secret is missing
    (tmp_path / "password").write_text("hunter2\n")
    return declared(
        web=SECRET.replace("secretFile: password", f"secretFile: {tmp_path}/password"),
        report="",
        nightly="",
        big="",
    )


def of_web(played: Played, meta: dict[str, str] | None) -> None:
    """Answers in the form that the API documents: web alone, with variables."""
    played.answers["GET /v1/jobs"] = [{"ID": "web", "Meta": meta}] if meta else []
    played.answers["POST /v1/job/web/plan"] = {
        "Diff": {"Type": "None" if meta else "Added"},
        "Annotations": {"DesiredTGUpdates": {"web": {"Place": 1}}},
    }
    if meta:
        played.answers["GET /v1/job/web"] = {"ID": "web", "Meta": meta, "JobModifyIndex": 7}


def test_a_secret_becomes_a_variable_before_its_job(
    nomad: Nomad, played: Played, with_secret: Desired
) -> None:
    of_web(played, None)
    view = nomad.look(with_secret, None, prune=False)
    played.answers |= {"PUT /v1/var/nomad/jobs/web": {}, "POST /v1/jobs": {}}
    nomad.apply(with_secret, None, view)
    assert writes(played) == ["/v1/jobs", "PUT /v1/var/nomad/jobs/web"]
    (put,) = played.sent("PUT", "/v1/var/nomad/jobs/web")
    assert put == {"Path": "nomad/jobs/web", "Items": {"PASSWORD": "hunter2"}}
    order = [
        one.path for one in played.requests if one.path in ("/v1/jobs", "/v1/var/nomad/jobs/web")
    ]
    assert order[-2:] == ["/v1/var/nomad/jobs/web", "/v1/jobs"]
    (job,) = played.sent("POST", "/v1/jobs")
    assert "hunter2" not in str(job)
    assert "hunter2" not in repr(view)
    assert not [note for note in view.notes if "nomad var put" in note.text]


def test_a_secret_that_differs_is_a_masked_field(
    nomad: Nomad, played: Played, with_secret: Desired
) -> None:
    of_web(played, {"managed-by": "recon"})
    stored = {"Items": {"PASSWORD": "older", "GONE": "x"}, "ModifyIndex": 12}
    played.answers["GET /v1/var/nomad/jobs/web"] = stored
    view = nomad.look(with_secret, None, prune=False)
    fields = {one.path: (one.before, one.after) for one in change(view, "web").fields}
    assert fields == {"env.PASSWORD": ("***", "*** (changed)"), "env.GONE": ("***", None)}
    played.answers["PUT /v1/var/nomad/jobs/web"] = {}
    nomad.apply(with_secret, None, view)
    put = next(one for one in played.requests if one.method == "PUT")
    assert put.query == {"cas": "12"}
    assert played.sent("POST", "/v1/jobs") == []


def test_a_secret_that_is_there_changes_nothing(
    nomad: Nomad, played: Played, with_secret: Desired
) -> None:
    of_web(played, {"managed-by": "recon"})
    played.answers["GET /v1/var/nomad/jobs/web"] = {"Items": {"PASSWORD": "hunter2"}}
    assert change(nomad.look(with_secret, None, prune=False), "web").action == "none"


def test_a_server_that_is_too_old_is_said(nomad: Nomad, played: Played, declared: Declared) -> None:
    played.answers["GET /v1/agent/self"] = {"member": {"Tags": {"build": "1.0.18"}}}
    with pytest.raises(EngineError, match=r"is release 1\.0\.18; 1\.5 or newer is needed"):
        nomad.look(declared(), None, prune=False)


def test_a_token_that_may_not_read_the_agent_is_enough(
    nomad: Nomad, played: Played, replay: Replay, declared: Declared
) -> None:
    replay("settled")
    played.answers["GET /v1/agent/self"] = Reply(b"Permission denied", 403)
    assert nomad.look(declared(), ["web"], prune=False).statuses


def test_many_apps_are_looked_at_by_lists(
    nomad: Nomad,
    played: Played,
    replay: Replay,
    declared: Declared,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replay("settled")
    one_by_one = nomad.look(declared(), None, prune=False).statuses
    monkeypatch.setattr("reconciler.targets.nomad.server._FEW", 0)
    for what in ("allocations", "deployments", "evaluations"):
        of_jobs = [a for p, a in played.answers.items() if p.endswith(f"/{what}")]
        played.answers[f"GET /v1/{what}"] = [one for found in of_jobs for one in found]
    assert nomad.look(declared(), None, prune=False).statuses == one_by_one


def test_an_undo_goes_back_to_what_was_good(nomad: Nomad, played: Played, replay: Replay) -> None:
    replay("reverted")
    played.answers["POST /v1/job/web/revert"] = {}
    assert nomad.undo("web", 1) == 1
    assert nomad.undo("web", 0) == 2  # 3 failed
    sent = played.sent("POST", "/v1/job/web/revert")
    assert sent[1] == {"JobID": "web", "JobVersion": 1, "EnforcePriorVersion": 3}
    with pytest.raises(EngineError, match="web has no revision 9; Nomad remembers 1, 2, 3, 4"):
        nomad.undo("web", 9)
    with pytest.raises(EngineError, match="web runs revision 4 already"):
        nomad.undo("web", 4)


def test_a_restart_is_kept_by_the_next_apply(
    nomad: Nomad, played: Played, replay: Replay, declared: Declared
) -> None:
    replay("reverted")
    played.answers["POST /v1/jobs"] = {}
    nomad.restart("web")
    (sent,) = played.sent("POST", "/v1/jobs")
    at = sent["Job"]["Meta"]["recon-restarted-at"]
    assert sent["Job"]["Meta"]["managed-by"] == "recon"
    played.answers["GET /v1/job/web"]["Meta"]["recon-restarted-at"] = at
    nomad.look(declared(), ["web"], prune=False)
    planned = played.sent("POST", "/v1/job/web/plan")[-1]["Job"]["Meta"]
    assert planned["recon-restarted-at"] == at


def test_a_rollout_is_paused_and_one_that_is_over_is_not(
    nomad: Nomad, played: Played, replay: Replay
) -> None:
    replay("rolling")
    deployments = played.answers["GET /v1/job/web/deployments"]
    (found,) = [one["ID"] for one in deployments if one["Status"] == "running"]
    played.answers[f"POST /v1/deployment/pause/{found}"] = {}
    nomad.pause("web", paused=True)
    sent = played.sent("POST", f"/v1/deployment/pause/{found}")
    assert sent == [{"DeploymentID": found, "Pause": True}]
    replay("settled")
    with pytest.raises(EngineError, match=r"web has no rollout on .* to resume"):
        nomad.pause("web", paused=False)


def test_events_are_the_clients(nomad: Nomad, replay: Replay) -> None:
    replay("crashing")
    found = [one for one in nomad.events("web") if one.is_warning]
    assert {(one.instance, one.reason, one.message) for one in found} == {
        ("web-0", "Terminated", "Exit Code: 127")
    }


@pytest.mark.parametrize("name", ["none", "other"])
def test_verbs_of_one_app_touch_only_jobs_of_recon(
    nomad: Nomad, played: Played, replay: Replay, name: str
) -> None:
    replay("foreign")
    text = f"there is no job {name} that recon made"
    for verb in (nomad.history, nomad.restart, nomad.events, lambda app: nomad.undo(app, 0)):
        with pytest.raises(EngineError, match=text):
            verb(name)
    with pytest.raises(EngineError, match=text):
        nomad.pause(name, paused=True)
    with pytest.raises(EngineError, match=text):
        [*nomad.logs(name, lines=1, follow=False)]
    assert writes(played) == []
