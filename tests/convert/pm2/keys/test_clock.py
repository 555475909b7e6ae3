"""cron_restart: a restart by the clock, or a job by the clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.convert.manifests.draft import Draft, Fate
from reconciler.convert.manifests.finalise import bundle
from tests.convert.conftest import MANIFESTS, manifests, pm2_draft, problems, told

APP = {"name": "a", "script": "a.js"}


def drafted(**keys: Any) -> Draft:
    return pm2_draft({**APP, **keys})


@pytest.mark.parametrize(
    ("pattern", "schedule"),
    [
        ("0 3 * * *", "0 3 * * *"),
        (" 0  3 * * 1-5 ", "0 3 * * 1-5"),
        ("0 0 3 * * *", "0 3 * * *"),  # croner: seconds first
        ("@daily", "@daily"),
    ],
)
def test_what_runs_long_is_restarted_by_the_clock(pattern: str, schedule: str) -> None:
    draft = drafted(cron_restart=pattern)
    assert draft.spec["restartSchedule"] == schedule and draft.kind == "App"
    assert "by `strategy`" in told(draft, Fate.CHANGED)["cron_restart"]


@pytest.mark.parametrize("pattern", ["*/10 * * * * *", "30 0 3 * * *", "3", {}, [1]])
def test_what_recons_clock_cannot_do_is_for_somebody_to_decide(pattern: Any) -> None:
    draft = drafted(cron_restart=pattern)
    assert "as in a crontab" in told(draft, Fate.TODO)["cron_restart"]
    assert "restartSchedule" not in draft.spec


@pytest.mark.parametrize("pattern", ["0", 0, "", False, None])
def test_none_is_none(pattern: Any) -> None:
    draft = drafted(cron_restart=pattern, autorestart=False)
    assert "cron_restart" not in {note.key for note in draft.notes}
    assert draft.kind == "App"


def test_what_is_not_restarted_is_a_job_by_the_clock() -> None:
    draft = drafted(
        name="nightly-report",
        cron_restart="*/5 * * * *",
        autorestart=False,
        kill_timeout=3000,
        instances=2,
        exec_mode="fork",
        max_memory_restart="300M",
        env={"PORT": 3000},
        env_production={"PORT": 4000},
    )
    assert draft.kind == "Job"
    assert (draft.spec["schedule"], draft.spec["concurrencyPolicy"]) == ("*/5 * * * *", "Replace")
    assert draft.spec["backoffLimit"] == 0
    assert draft.spec["terminationGracePeriodSeconds"] == 3
    of_a_service = {"instances", "strategy", "sockets", "readinessProbe", "restartPolicy"}
    assert not of_a_service & (draft.spec.keys() | draft.profiles["production"].keys())
    assert told(draft, Fate.CHANGED)["instances"].startswith("2: ")
    assert not told(draft, Fate.TODO)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"name": "web"}, "the name (web)"),
        ({"script": "src/server.js", "name": "crm"}, "the name (server)"),
        ({"env": {"PORT": 3000}}, "a port"),
        ({"args": "--port 3000"}, "a port"),
        ({"watch": True}, "watch"),
        ({"exec_mode": "cluster", "instances": 2}, "cluster mode"),
        ({"name": "backup-cron", "wait_ready": True}, "wait_ready"),
    ],
)
def test_a_server_that_is_not_restarted_has_a_nightly_restart(
    keys: dict[str, Any], why: str
) -> None:
    draft = drafted(**{**APP, **keys}, cron_restart="0 3 * * *", autorestart=False)
    assert draft.kind == "App"
    assert draft.spec["restartSchedule"] == "0 3 * * *"
    assert draft.spec["restartPolicy"] == "Never"
    assert told(draft, Fate.CHANGED)["autorestart: false"].startswith(
        f"{why}: imported as a service"
    )


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"name": "backup"}, "the name (backup)"),
        ({"name": "send-report", "env": {"PORT": 3000}}, "the name (report)"),
        ({"name": "x"}, "nothing that a server has"),
    ],
)
def test_a_script_that_ends_is_a_job_and_the_evidence_is_told(
    keys: dict[str, Any], why: str
) -> None:
    draft = drafted(**{**APP, **keys}, cron_restart="0 3 * * *", autorestart=False)
    assert draft.kind == "Job" and draft.spec["schedule"] == "0 3 * * *"
    assert why in told(draft, Fate.CHANGED)["autorestart: false"]


def test_a_script_that_listens_is_a_service_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("require('http').createServer(f).listen(3000)")
    app = {"name": "cron", "script": "a.js", "autorestart": False, "cron_restart": "0 3 * * *"}
    assert pm2_draft(app, folder=str(tmp_path)).kind == "App"


@pytest.mark.parametrize("autorestart", [True, False])
def test_what_is_written_is_valid(autorestart: bool) -> None:
    keys = {"cron_restart": "0 3 * * *", "autorestart": autorestart, "uid": "root"}
    keys["name"] = "clean"
    draft = drafted(**keys, env_production={"PORT": 1}, out_file="o.log", kill_timeout=1)
    found = bundle([draft], MANIFESTS)
    assert not problems(found) and not problems(found, "production")
    (document,) = manifests(found).values()
    assert document["kind"] == ("App" if autorestart else "Job")
    assert document["spec"]["restartSchedule" if autorestart else "schedule"] == "0 3 * * *"
    assert not told(draft, Fate.LOST)


def test_a_pattern_that_never_comes_is_told_with_the_models_words() -> None:
    draft = drafted(cron_restart="61 3 * * *", autorestart=False)
    assert "61 3 * * *" in told(draft, Fate.TODO)["cron_restart"]
    assert draft.kind == "App" and draft.spec["restartPolicy"] == "Never"
