"""cron_restart: a restart by the clock, or a job by the clock."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.convert.draft import Draft, Fate
from reconciler.convert.settle import bundle
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
        cron_restart="*/5 * * * *",
        autorestart=False,
        instances=2,
        exec_mode="cluster",
        kill_timeout=3000,
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


@pytest.mark.parametrize("autorestart", [True, False])
def test_what_is_written_is_valid(autorestart: bool) -> None:
    keys = {"cron_restart": "0 3 * * *", "autorestart": autorestart, "watch": True, "uid": "root"}
    draft = drafted(**keys, env_production={"PORT": 1}, out_file="o.log", kill_timeout=1)
    found = bundle([draft], MANIFESTS, "pm2")
    assert not problems(found) and not problems(found, "production")
    (document,) = manifests(found).values()
    assert document["kind"] == ("App" if autorestart else "Job")
    assert document["spec"]["restartSchedule" if autorestart else "schedule"] == "0 3 * * *"
    assert not told(draft, Fate.LOST)


def test_a_pattern_that_never_comes_is_told_with_the_models_words() -> None:
    draft = drafted(cron_restart="61 3 * * *", autorestart=False)
    assert "61 3 * * *" in told(draft, Fate.TODO)["cron_restart"]
    assert draft.kind == "App" and draft.spec["restartPolicy"] == "Never"
