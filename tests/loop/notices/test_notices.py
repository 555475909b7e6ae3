"""Nothing is lost by kill -9, nothing comes twice but with one id, and nothing waits."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from reconciler.loop.notices import notices as module
from tests.loop.notices.conftest import Own, stop
from tests.notify.conftest import Web


def hook(web: Web, **more: Any) -> dict[str, Any]:
    return {"name": "ops", "webhook": web.address, "groupSeconds": 0.1, **more}


def test_a_crash_loop_is_one_message_and_its_end_another(own: Own, web: Web) -> None:
    own.declare(hook(web, recoverySeconds=0.2))
    for _ in range(5):
        own.crash()
    own.until(lambda: len(web.requests) == 1)
    own.around.unwell.clear()
    own.until(lambda: len(web.requests) == 2)
    assert [one["kind"] for one in web.requests] == ["problem", "recovery"]
    own.until(lambda: own.notices.records["ops"].sent == 2)
    own.until(lambda: own.on_disk() == [])
    assert own.reasons() == []
    own.until(lambda: own.notices._timers == {}, seconds=30)  # where all is well nothing wakes it


def test_without_a_target_there_is_no_process_no_listener_and_no_row(own: Own) -> None:
    own.notices.begin(())
    own.crash()
    own.loop.run_until_complete(asyncio.sleep(0.2))
    assert own.notices.process == (0, "")
    assert own.journal.setting("notices") is None and own.on_disk() == []
    assert own.notices._timers == {}


def test_a_controller_that_is_killed_before_it_sends_sends_after_its_start(
    own: Own, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own.notices, "_dispatch", lambda: None)
    own.declare(hook(web))
    own.crash()
    own.until(own.on_disk)
    (id,) = own.on_disk()
    own.kill()
    assert web.requests == []
    own.begin()
    own.declare(hook(web))
    own.until(lambda: web.requests)
    assert web.requests[0]["id"] == id
    own.until(lambda: own.on_disk() == [])


def test_one_that_is_killed_before_it_knows_that_it_was_sent_sends_it_again_with_the_same_id(
    own: Own, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own.notices, "_withdraw", lambda id: None)
    own.declare(hook(web))
    own.crash()
    own.until(lambda: web.requests)
    own.kill()
    own.begin()
    own.declare(hook(web))
    own.until(lambda: len(web.requests) == 2)
    assert web.requests[0]["id"] == web.requests[1]["id"]
    assert web.headers[0]["idempotency-key"] == web.headers[1]["idempotency-key"]
    own.until(lambda: own.on_disk() == [])
    own.loop.run_until_complete(asyncio.sleep(0.3))
    assert len(web.requests) == 2


def test_events_that_were_not_grouped_before_the_kill_are_grouped_after_it(
    own: Own, web: Web
) -> None:
    own.declare(hook(web))
    own.until(lambda: own.journal.setting("notices"))
    own.history.flush()
    own.crash()
    own.history.flush()  # the events are on the disk, what was made of them is not
    own.kill()
    own.begin()
    own.declare(hook(web))
    own.until(lambda: web.requests)
    assert "boom" in web.requests[0]["text"]


def test_what_was_before_the_first_declaration_is_not_told(own: Own, web: Web) -> None:
    own.crash()
    own.declare(hook(web))
    own.loop.run_until_complete(asyncio.sleep(0.4))
    assert web.requests == []


def test_a_notifier_that_is_killed_is_started_again_and_loses_nothing(own: Own, web: Web) -> None:
    web.answers = ["silent"]
    own.declare(hook(web))
    own.crash()
    own.until(lambda: web.requests)
    pid = own.notices.process[0]
    os.kill(pid, signal.SIGKILL)
    own.until(lambda: own.reasons() == ["NotifierFailed"])
    assert "ended" in own.notices.process[1]
    web.answers = ["204"]
    own.until(lambda: len(web.requests) == 2)
    assert web.requests[0]["id"] == web.requests[1]["id"]
    own.until(lambda: own.on_disk() == [])
    assert own.notices.process[1] == ""


def test_a_notifier_that_hangs_is_replaced(
    own: Own, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GRACE", 0.5)
    monkeypatch.setattr(module, "_LOOK", 0.2)
    own.declare(hook(web, timeoutSeconds=0.5))
    own.until(lambda: own.notices.process[0])
    first = own.notices.process[0]
    stop(first)
    own.crash()
    own.until(lambda: web.requests)
    assert own.notices.process[0] != first and not os.path.exists(f"/proc/{first}")


def test_a_target_that_fails_is_an_event_when_it_begins_and_when_it_ends(
    own: Own, web: Web
) -> None:
    web.answers = ["500", "500", "204"]
    own.declare(hook(web))
    own.crash()
    own.until(lambda: own.notices.records["ops"].is_failing)
    assert "500" in own.notices.records["ops"].last_error
    own.until(lambda: own.reasons() == ["NotificationFailed", "NotificationRecovered"])
    assert len({one["id"] for one in web.requests}) == 1


def test_a_message_is_given_up_after_its_time_with_an_event_and_no_message_about_it(
    own: Own, web: Web
) -> None:
    web.answers = ["500"]
    own.declare(hook(web, giveUpSeconds=1, severity="Normal"))
    own.event("web", "WatchLoop")
    own.until(lambda: "NotificationGivenUp" in own.reasons())
    own.until(lambda: own.on_disk() == [])
    record = own.notices.records["ops"]
    assert record.given_up == 1 and record.is_failing
    web.answers = ["204"]
    web.requests.clear()
    own.event("api", "ContentChanged")
    own.until(lambda: web.requests)
    assert "1 earlier message could not be sent." in web.requests[0]["text"]
    assert not any(item["reason"].startswith("Notif") for item in web.requests[0]["items"])


def test_a_backlog_is_bounded_and_says_what_was_dropped(
    own: Own, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    address = f"http://127.0.0.1:{closed_port}/"
    own.declare(
        {
            "name": "ops",
            "webhook": address,
            "groupSeconds": 0,
            "severity": "Normal",
            "maxPerHour": 1000,
        }
    )
    for number in range(5):
        own.event(f"app-{number}", "Started")
        own.until(lambda n=number: own.notices.groups["ops"].state.number == n + 1)  # type: ignore[misc]
    assert len(own.on_disk()) == 3
    assert own.reasons().count("NotificationsDropped") == 2
    assert own.notices.records["ops"].dropped == 2
    last = [*own.history.outbox().values()][-1]
    assert "could not be sent" in last.text


def test_another_address_is_used_at_once(own: Own, web: Web, closed_port: int) -> None:
    own.declare({**hook(web), "webhook": f"http://127.0.0.1:{closed_port}/"})
    own.crash()
    own.until(lambda: own.notices.records["ops"].is_failing)
    own.declare(hook(web))
    own.until(lambda: web.requests)


def test_what_waits_for_a_target_that_is_gone_is_dropped_with_an_event(
    own: Own, web: Web, closed_port: int
) -> None:
    own.declare({**hook(web), "webhook": f"http://127.0.0.1:{closed_port}/"})
    own.crash()
    own.until(own.on_disk)
    own.declare()
    assert own.notices.process == (0, "")
    own.until(lambda: own.on_disk() == [])
    assert "NotificationsDropped" in own.reasons()
    assert own.journal.setting("notices") == ""


def test_settings_with_a_mistake_and_none_before_forget_nothing(
    own: Own, web: Web, closed_port: int
) -> None:
    own.declare({**hook(web), "webhook": f"http://127.0.0.1:{closed_port}/"})
    own.crash()
    own.until(own.on_disk)
    own.kill()
    own.begin()
    own.notices.begin((), is_known=False)
    own.history.flush()
    assert len(own.on_disk()) == 1


def test_a_target_that_hangs_holds_no_other_up(own: Own, web: Web, tmp_path: Path) -> None:
    web.answers = ["silent"]
    out = tmp_path / "out"
    command = {"name": "cmd", "command": ["sh", "-c", f"cat > {out}"], "groupSeconds": 0.1}
    own.declare(hook(web), command)
    own.crash()
    own.until(out.exists)
    own.until(lambda: own.notices.records["cmd"].sent == 1)
    assert own.notices.records["ops"].sent == 0


def test_a_test_tells_of_each_target_how_it_went(own: Own, web: Web, closed_port: int) -> None:
    dead = {"name": "dead", "webhook": f"http://127.0.0.1:{closed_port}/"}
    own.declare(hook(web), dead)
    results = own.loop.run_until_complete(own.notices.test(["ops", "dead"]))
    assert results["ops"] == "" and "refused" in results["dead"]
    assert web.requests[0]["kind"] == "test" and web.requests[0]["id"].startswith("test-")
    assert own.on_disk() == [] and own.notices.records["dead"].is_failing is False


def test_a_test_ends_where_the_notifier_does(own: Own, web: Web) -> None:
    web.answers = ["silent"]
    own.declare(hook(web))

    async def killed() -> Any:
        test = asyncio.create_task(own.notices.test(["ops"]))
        while not web.requests:
            await asyncio.sleep(0.005)
        os.kill(own.notices.process[0], signal.SIGKILL)
        return await test

    assert "has ended" in own.loop.run_until_complete(killed())["ops"]


def test_one_that_cannot_be_started_is_tried_more_and_more_rarely(
    own: Own, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")
    own.declare(hook(web))
    own.until(lambda: own.reasons().count("NotifierFailed") == 2)
    assert "cannot be started" in own.notices.process[1]
    monkeypatch.undo()
    own.crash()
    own.until(lambda: web.requests)


def test_on_a_full_disk_messages_are_sent_nevertheless(own: Own, web: Web) -> None:
    own.declare(hook(web))
    own.history.flush()
    assert own.journal._db is not None
    own.journal._db.execute("PRAGMA query_only = 1")
    own.crash()
    own.until(lambda: web.requests)
    own.until(lambda: own.notices.records["ops"].sent)
    own.journal._db.execute("PRAGMA query_only = 0")
    own.history.flush()
    assert own.on_disk() == []


def test_what_has_to_be_installed_is_known_before_the_first_message(own: Own, web: Web) -> None:
    own.declare(hook(web))
    own.until(lambda: own.notices.process[0])
    own.notices._reported({"id": "", "what": "lacking", "error": "Apprise is not installed"})
    assert own.notices.process[1] == "Apprise is not installed"
    own.declare()
    assert own.notices.process == (0, "")
