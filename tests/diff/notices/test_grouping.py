"""Events become few messages: one when a problem comes, one when it goes, never too many."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diff.notices.grouping import BURST, Standing
from reconciler.diff.notices.problems import DEFAULTS, ProblemKind
from reconciler.model.state.event import EndDetails
from reconciler.model.state.notice import Kind
from reconciler.model.state.reason import OF_NOTIFICATIONS, EventReason
from tests.diff.notices.driver import Driver


def test_a_crash_loop_is_one_message_and_its_end_another() -> None:
    ops = Driver()
    for _ in range(30):
        ops.crash("web")
        ops.wait(2)
    assert ops.subjects == ["[recon] web keeps crashing on host1"]
    ops.runs("web")
    ops.wait(75)
    assert ops.subjects[1:] == ["[recon] web runs again on host1"]
    assert [message.kind for message in ops.messages] == [Kind.PROBLEM, Kind.RECOVERY]
    ops.wait(10_000)
    assert len(ops.messages) == 2


def test_a_message_names_cause_remedy_revision_and_last_lines() -> None:
    ops = Driver()
    ops.crash("web")
    ops.wait(10)
    (message,) = ops.messages
    assert "Cause: it ended with exit 3." in message.text
    assert "What to do: read its last lines." in message.text
    assert "Revision: 3" in message.text
    assert "\n  | boom\n" in message.text
    assert message.text.endswith(f"recon on host1, message {message.id}")
    (item,) = message.items
    assert item["stderr"] == ["boom"] and item["problem"] == "Crashing" and item["app"] == "web"


def test_the_end_that_came_before_the_loop_is_known() -> None:
    """A crash loop begins with an event of its own, which does not say how the process ended."""
    ops = Driver()
    ops.around.ends["web"] = EndDetails(code=5, stderr=("early",))
    ops.event("web", "BackOff")
    ops.wait(10)
    assert "exit 5" in ops.messages[0].text and "early" in ops.messages[0].text


def test_twenty_apps_that_fail_at_once_are_one_message() -> None:
    ops = Driver()
    for number in range(20):
        ops.crash(f"app-{number:02}")
    ops.wait(30)
    (message,) = ops.messages
    assert message.subject == "[recon] 20 problems on host1: app-00, app-01, app-02 and 17 more"
    assert all(f"- app-{number:02} keeps crashing" in message.text for number in range(20))


def test_five_hundred_apps_fit_into_one_bounded_message() -> None:
    ops = Driver()
    for number in range(500):
        ops.crash(f"app-{number:03}")
    ops.wait(30)
    (message,) = ops.messages
    assert len(message.text) < 4096 and "and 480 more" in message.text
    assert len(message.items) == 100


def test_a_loop_with_a_long_backoff_is_not_over_between_two_crashes() -> None:
    ops = Driver()
    for _ in range(5):
        ops.crash("web")
        ops.wait(1)
        ops.runs("web")  # it runs for a while, and crashes again
        ops.wait(55)
    assert ops.subjects == ["[recon] web keeps crashing on host1"]
    ops.wait(150)
    assert len(ops.messages) == 2


def test_an_app_that_does_not_run_has_not_recovered_however_quiet_it_is() -> None:
    ops = Driver()
    ops.crash("web")
    ops.wait(100_000)
    assert len(ops.messages) == 1
    ops.runs("web")
    ops.wait(20)
    assert len(ops.messages) == 2


def test_a_second_loop_after_the_recovery_is_a_message_of_its_own() -> None:
    ops = Driver()
    for _ in range(2):
        ops.crash("web")
        ops.wait(20)
        ops.runs("web")
        ops.wait(100)
    assert len(ops.messages) == 4
    assert len({message.id for message in ops.messages}) == 4


def test_what_comes_and_goes_before_a_message_is_made_makes_none() -> None:
    ops = Driver()
    ops.event("", "ManifestInvalid", "recon.yaml:1:1: wrong")
    ops.wait(5)
    assert ops.messages == []
    ops.wait(100)
    assert ops.messages == []


def test_a_mistake_in_a_manifest_is_told_until_the_last_one_is_fixed() -> None:
    ops = Driver()
    ops.around.own = frozenset({ProblemKind.MANIFEST})
    ops.event("", "ManifestInvalid", "a.yaml:1:1: wrong")
    ops.event("", "ManifestInvalid", "b.yaml:1:1: wrong")
    ops.wait(20)
    ops.event("", "ManifestValid", "a.yaml: the mistake is fixed", normal=True)
    ops.wait(100)
    assert ops.subjects == ["[recon] recon has a mistake in its manifests on host1"]
    ops.around.own = frozenset()
    ops.wait(20)
    assert ops.subjects[1:] == ["[recon] recon has no mistake in its manifests any more on host1"]


def test_an_app_that_is_unready_for_a_moment_is_no_problem() -> None:
    ops = Driver()
    ops.around.unwell.add("web")
    ops.event("web", "Unhealthy")
    ops.wait(20)
    ops.runs("web")
    ops.wait(100)
    assert ops.messages == []
    ops.around.unwell.add("web")
    ops.event("web", "Unhealthy")
    ops.wait(100)
    ops.runs("web")
    ops.wait(100)
    assert ops.subjects == [
        "[recon] web is not ready on host1",
        "[recon] web is ready again on host1",
    ]


def test_each_failed_rollout_is_told_and_the_first_that_succeeds() -> None:
    ops = Driver()
    ops.event("web", "ProgressDeadlineExceeded", "revision 4 made no progress")
    ops.wait(600)
    ops.event("web", "ProgressDeadlineExceeded", "revision 5 made no progress")
    ops.wait(600)
    ops.event("web", "RolloutComplete", "revision 6 is available", normal=True)
    ops.wait(600)
    failed = "[recon] web could not be updated on host1"
    assert ops.subjects == [failed, failed, "[recon] web is updated on host1"]


def test_a_job_that_fails_every_minute_is_told_once_a_day() -> None:
    ops = Driver()
    ops.around.standings["sync"] = Standing(is_job=True)
    for _ in range(24 * 60):
        ops.event("sync", "BackOff")
        ops.event("sync", "BackoffLimitExceeded", "run 1 has failed")
        ops.wait(60)
    assert 1 <= len(ops.messages) <= 2
    ops.event("sync", "Completed", "run 9 succeeded", normal=True)
    ops.wait(20)
    assert ops.subjects[-1] == "[recon] sync has succeeded again on host1"


def test_a_try_of_a_job_that_comes_again_is_no_problem() -> None:
    ops = Driver()
    ops.around.standings["sync"] = Standing(is_job=True)
    ops.event("sync", "Exited")
    ops.event("sync", "BackOff")
    ops.wait(100)
    assert ops.messages == []


def test_the_crash_of_an_app_that_is_not_restarted_is_a_problem() -> None:
    ops = Driver()
    ops.around.standings["once"] = Standing(stays_down=True)
    ops.around.unwell.add("once")
    ops.event("once", "Exited")
    ops.wait(20)
    assert ops.messages == []  # it is not a default reason of other apps
    chosen = Driver(reasons=["Exited"])
    chosen.around.standings["once"] = Standing(stays_down=True)
    chosen.around.unwell.add("once")
    chosen.event("once", "Exited")
    chosen.wait(20)
    assert chosen.subjects == ["[recon] once has crashed on host1"]


def test_an_app_that_is_removed_or_suspended_has_no_problem_any_more() -> None:
    ops = Driver()
    ops.crash("web")
    ops.crash("api")
    ops.wait(20)
    ops.around.standings["web"] = Standing(stopped="web was removed")
    ops.around.standings["api"] = Standing(stopped="api is suspended")
    ops.wait(20)
    assert len(ops.messages) == 2 and ops.messages[1].kind is Kind.RECOVERY
    assert {item["message"] for item in ops.messages[1].items} == {
        "web was removed",
        "api is suspended",
    }


def test_a_single_event_is_told_at_once_and_then_not_for_a_quarter_of_an_hour() -> None:
    ops = Driver(reasons=["RolloutComplete"])
    for _ in range(60):
        ops.event("web", "RolloutComplete", "revision 4 is available", normal=True)
        ops.wait(60)
    assert 4 <= len(ops.messages) <= 6
    assert all(message.kind is Kind.EVENT for message in ops.messages)


def test_the_first_crash_is_part_of_the_loop_that_follows() -> None:
    ops = Driver(severity="Warning")
    ops.crash("web")
    ops.wait(20)
    (message,) = ops.messages
    assert len(message.items) == 1


def test_events_of_builds_and_of_notifications_themselves_are_left_out() -> None:
    ops = Driver(severity="Normal")
    ops.event("web:build", "Exited")
    for reason in OF_NOTIFICATIONS:
        ops.event("", reason)
    ops.wait(1000)
    assert ops.messages == []


def test_losses_are_named_in_the_next_message() -> None:
    ops = Driver()
    ops.group.note_dropped(7)
    ops.crash("web")
    ops.wait(20)
    assert "7 earlier messages could not be sent." in ops.messages[0].text
    ops.runs("web")
    ops.wait(100)
    assert "could not be sent" not in ops.messages[1].text


def test_what_there_is_no_room_for_is_counted() -> None:
    ops = Driver(severity="Normal")
    for number in range(250):
        ops.event(f"app-{number}", "Started", normal=True)
    ops.wait(20)
    assert "50 more events are left out." in ops.messages[0].text


def test_a_target_whose_rate_is_used_up_gets_the_rest_in_one_message() -> None:
    ops = Driver(maxPerHour=4, groupSeconds=0)
    for number in range(40):
        ops.crash(f"app-{number}")
        ops.wait(10)
    assert 4 <= len(ops.messages) <= 5
    ops.wait(3600)
    told = {item["app"] for message in ops.messages for item in message.items}
    assert told == {f"app-{number}" for number in range(40)}


def test_a_clock_that_is_set_back_delays_no_message() -> None:
    ops = Driver()
    ops.crash("web")
    ops.now -= 86_400
    ops.wait(20)
    assert len(ops.messages) == 1
    ops.runs("web")
    ops.now -= 86_400
    ops.wait(90)
    assert len(ops.messages) == 2


def test_another_declaration_keeps_what_is_known() -> None:
    ops = Driver()
    ops.crash("web")
    ops.wait(20)
    ops.group.declare(ops.target.model_copy(update={"recovery_seconds": 5.0}))
    ops.runs("web")
    ops.wait(20)
    assert len(ops.messages) == 2


def test_a_state_that_cannot_be_read_is_an_empty_one() -> None:
    from reconciler.diff.notices.incidents import GroupState

    for text in (None, "", "{", "[]", '{"incidents": [{"app": 7}]}', '{"number": "x"}'):
        assert GroupState.from_text(text) == GroupState()


REASONS = sorted({reason.value for reason in EventReason})
APPS = ["", "web", "api", "job"]
Steps = st.lists(
    st.tuples(
        st.sampled_from(APPS),
        st.sampled_from(REASONS),
        st.booleans(),
        st.floats(0, 2000, allow_nan=False),
    ),
    max_size=60,
)


@given(steps=Steps, per_hour=st.integers(1, 60), group=st.sampled_from([0, 1, 10]))
@settings(max_examples=60, deadline=None)
def test_no_target_gets_more_than_its_rate(
    steps: list[tuple[str, str, bool, float]], per_hour: int, group: int
) -> None:
    ops = Driver(severity="Normal", maxPerHour=per_hour, groupSeconds=group)
    for app, reason, normal, wait in steps:
        ops.event(app, reason, normal=normal)
        ops.wait(wait)
    times = [message.created_at for message in ops.messages]
    for first in range(len(times)):
        for last in range(first, len(times)):
            span = times[last] - times[first]
            assert last - first + 1 <= min(BURST, per_hour) + span * per_hour / 3600 + 1e-6


@given(steps=Steps)
@settings(max_examples=60, deadline=None)
def test_every_problem_is_told_and_a_recovery_follows_only_a_problem(
    steps: list[tuple[str, str, bool, float]],
) -> None:
    ops = Driver(maxPerHour=1000)
    for app, reason, normal, wait in steps:
        ops.event(app, reason, normal=normal)
        ops.wait(wait)
    ops.wait(10_000)
    opened: set[tuple[str, str]] = set()
    for message in ops.messages:
        for item in message.items:
            key = (item["app"], item["problem"])
            if item["state"] == "over":
                assert key in opened
                opened.discard(key)
            else:
                assert item["reason"] in DEFAULTS
                opened.add(key)
    open_now = {(one.app, one.kind) for one in ops.group.state.incidents.values()}
    assert opened == {key for key in open_now if key in opened}


@given(steps=Steps, kills=st.sets(st.integers(0, 60)))
@settings(max_examples=60, deadline=None)
def test_a_controller_that_is_killed_between_any_two_events_changes_no_message(
    steps: list[tuple[str, str, bool, float]], kills: set[int]
) -> None:
    calm, killed = Driver(severity="Normal"), Driver(severity="Normal")
    for number, (app, reason, normal, wait) in enumerate(steps):
        for ops in (calm, killed):
            ops.event(app, reason, normal=normal)
            ops.wait(wait)
        if number in kills:
            killed.restart()
    assert [dataclasses.asdict(one) for one in calm.messages] == [
        dataclasses.asdict(one) for one in killed.messages
    ]
