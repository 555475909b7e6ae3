"""Jobs and what goes by the clock as units, and what is told of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.convert.fields import Fate
from reconciler.convert.systemd.draft import Target
from reconciler.convert.systemd.units import Exported, export
from reconciler.model.spec.job import JobSpec, JobTerms
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import DesiredApp, DesiredJob, Source
from reconciler.model.words.fields import effects
from tests.convert.systemd.systemd_reads import asks_systemd, complaints

TARGET = Target(252, account="daemon")


def program(**spec: Any) -> AppSpec:
    return AppSpec(**{"command": ["sleep", "1"], "cwd": "/", **spec})


def app(name: str, **spec: Any) -> DesiredApp:
    return DesiredApp(name, program(**spec), "c0ffee.-", Source(f"/m/{name}.yaml", 1))


def job(name: str, *, stop: Any = None, depends: Any = (), **terms: Any) -> DesiredJob:
    spec = {"dependsOn": depends, **({"stop": stop} if stop else {}), **terms}
    source = Source(f"/m/{name}.yaml", 1)
    made = JobSpec(**{"command": ["sleep", "1"], "cwd": "/", **spec})
    return DesiredJob(name, made, "c0ffee.-", source)


def lines(made: Exported, name: str) -> list[str]:
    return made.units[name].splitlines()


def told(made: Exported) -> dict[str, Fate]:
    return {note.field: note.fate for note in made.notes}


SET = {
    "schedule": "5 4 * * *",
    "timeZone": "Europe/Berlin",
    "concurrencyPolicy": "Forbid",
    "startingDeadlineSeconds": 60,
    "backoffLimit": 2,
    "activeDeadlineSeconds": 90,
    "successfulJobsHistoryLimit": 5,
    "failedJobsHistoryLimit": 5,
}


@pytest.mark.parametrize("field", effects(JobTerms))
def test_every_field_of_a_job_changes_a_unit_or_the_report(field: str) -> None:
    without = {} if field == "schedule" else {"schedule": "0 3 * * *"}
    bare = export([job("a", **without)], TARGET)
    made = export([job("a", **{**without, field: SET[field]})], TARGET)
    assert (made.units, made.notes) != (bare.units, bare.notes)
    assert not any("does not know it" in note.text for note in made.notes)


_TERMS = st.fixed_dictionaries(
    {},
    optional={
        "schedule": st.sampled_from(["* * * * *", "0 3 1,15 * MON", "0 0 LW * *", "9 9 29 2 1L"]),
        "timeZone": st.sampled_from(["UTC", "Europe/Berlin", "Etc/GMT+5"]),
        "concurrencyPolicy": st.sampled_from(["Allow", "Forbid", "Replace"]),
        "startingDeadlineSeconds": st.integers(0, 100),
        "backoffLimit": st.integers(0, 9),
        "activeDeadlineSeconds": st.integers(1, 100),
    },
)


@asks_systemd
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_TERMS, min_size=1, max_size=3), st.booleans(), st.sampled_from([0, 1, 2]))
def test_systemd_has_no_complaints_about_any_job(
    terms: list[dict[str, Any]], user: bool, instances: int
) -> None:
    jobs = [job(f"a{n}", **one) for n, one in enumerate(terms)]
    conditions = ("Started", "Ready", "Completed")
    needs = [{"app": one.name, "condition": conditions[n]} for n, one in enumerate(jobs)]
    spec = {"dependsOn": needs, "restartSchedule": "@hourly", "instances": instances}
    made = export([*jobs, app("last", **spec)], Target(252, user=user))
    assert complaints(made.units) == ""


def test_a_schedule_is_a_timer_of_a_oneshot_that_nothing_else_starts() -> None:
    made = export([job("a", schedule="30 3 * * *", timeZone="Asia/Tokyo")], TARGET)
    assert made.units.keys() == {"a.service", "a.timer"} and made.enable == ("a.timer",)
    assert {"OnCalendar=*-*-* 03:30:00 Asia/Tokyo", "Unit=a.service"} <= {*lines(made, "a.timer")}
    assert {"AccuracySec=1us", "WantedBy=timers.target"} <= {*lines(made, "a.timer")}
    assert {"Type=oneshot", "TimeoutStartSec=infinity"} <= {*lines(made, "a.service")}
    assert "[Install]" not in lines(made, "a.service")


def test_what_was_missed_is_made_up_for_unless_there_is_a_deadline() -> None:
    made = export([job("a", schedule="30 3 * * *")], TARGET)
    assert "Persistent=yes" in lines(made, "a.timer")
    made = export([job("a", schedule="30 3 * * *", startingDeadlineSeconds=60)], TARGET)
    assert "Persistent=no" in lines(made, "a.timer")
    assert told(made)["startingDeadlineSeconds"] is Fate.DIFFERS


@pytest.mark.parametrize("policy", ["Allow", "Forbid", "Replace"])
def test_runs_of_systemd_never_overlap(policy: str) -> None:
    made = export([job("a", schedule="30 3 * * *", concurrencyPolicy=policy)], TARGET)
    assert ("concurrencyPolicy" in told(made)) is (policy != "Forbid")


def test_a_change_of_the_clocks_is_told_where_it_makes_a_difference() -> None:
    def says(zone: str | None, host: str = "UTC", schedule: str = "30 2 * * *") -> bool:
        terms = {"schedule": schedule, **({"timeZone": zone} if zone else {})}
        return "schedule" in told(export([job("a", **terms)], Target(252, zone=host)))

    assert says("Europe/Berlin") and says(None, host="Europe/Berlin")
    assert not says("Europe/Berlin", schedule="30 3 * * *")
    assert not says(None) and not says("UTC", host="Europe/Berlin")


def test_tries_are_counted_within_less_than_what_lies_between_two_runs() -> None:
    made = export([job("a", schedule="*/10 * * * *", backoffLimit=2)], TARGET)
    assert {"StartLimitIntervalSec=540s", "StartLimitBurst=3"} <= {*lines(made, "a.service")}
    assert {"Restart=on-failure", "RestartSec=1s"} <= {*lines(made, "a.service")}
    never = export([job("a", schedule="*/10 * * * *", backoffLimit=0)], TARGET)
    assert "Restart=no" in lines(never, "a.service") and "backoffLimit" not in told(never)
    older = export([job("a", schedule="*/10 * * * *", backoffLimit=2)], Target(241))
    assert "Restart=no" in lines(older, "a.service")
    assert told(older)["backoffLimit"] is Fate.LOST


def test_a_deadline_is_that_of_one_try() -> None:
    made = export([job("a", activeDeadlineSeconds=90, backoffLimit=0)], TARGET)
    assert "TimeoutStartSec=90s" in lines(made, "a.service")
    assert "activeDeadlineSeconds" not in told(made)
    made = export([job("a", activeDeadlineSeconds=90)], TARGET)
    assert told(made)["activeDeadlineSeconds"] is Fate.DIFFERS


def test_without_a_schedule_it_has_run_when_its_file_is_there() -> None:
    made = export([job("a", stop={"preStop": ["true"]})], TARGET)
    assert made.enable == ("a.service",)
    written = lines(made, "a.service")
    assert "ConditionPathExists=!%S/recon-jobs/a.c0ffee" in written
    assert "RemainAfterExit=yes" in written and "WantedBy=multi-user.target" in written
    assert not [line for line in written if line.startswith("ExecStop=")]
    assert told(made)["schedule"] is Fate.DIFFERS and told(made)["stop.preStop"] is Fate.LOST


def test_a_dependency_on_a_job_waits_for_its_success_and_never_runs_a_scheduled_one() -> None:
    once, nightly = job("once"), job("nightly", schedule="@daily")
    made = export([once, nightly, app("a", dependsOn=["once", "nightly"])], TARGET)
    written = lines(made, "a.service")
    assert {"After=once.service", "Requires=once.service", "After=nightly.service"} <= {*written}
    assert not [line for line in written if line.endswith("s=nightly.service")]
    assert told(made)["dependsOn.nightly"] is Fate.LOST


def test_a_restart_by_the_clock_is_a_timer_of_its_own() -> None:
    made = export([app("a", instances=2, restartSchedule="@daily", timeZone="UTC")], TARGET)
    assert made.enable == ("a.target", "a.restart.timer")
    assert "OnCalendar=*-*-* 00:00:00 UTC" in lines(made, "a.restart.timer")
    assert not [line for line in lines(made, "a.restart.timer") if "Persistent=yes" in line]
    command = "ExecStart=/usr/bin/systemctl try-restart a.target"
    assert command in lines(made, "a.restart.service")
    users = export([app("a", restartSchedule="@daily")], Target(252, user=True))
    command = "ExecStart=/usr/bin/systemctl --user try-restart a.service"
    assert command in lines(users, "a.restart.service")


def test_what_is_suspended_is_not_enabled() -> None:
    one = job("a", suspend=True, schedule="@daily")
    assert export([one, app("b", suspend=True, restartSchedule="@daily")], TARGET).enable == ()


def test_a_build_is_told_with_what_to_do() -> None:
    build = {"command": ["npm", "run", "build it"], "inputs": ["src"], "env": {"A": "b"}}
    made = export([app("a", build={**build, "timeoutSeconds": 5})], TARGET)
    [note] = [note for note in made.notes if note.field == "build"]
    assert note.fate is Fate.TODO and "in /: npm run 'build it'" in note.text
    assert told(made)["build.env"] is Fate.TODO
    assert told(made)["build.timeoutSeconds"] is Fate.LOST
    assert not any("npm" in text for text in made.units.values())
