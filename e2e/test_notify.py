"""Notifications of a real recon: a crash loop, kill -9 at the wrong moment, rude receivers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from e2e.harness import Recon
from e2e.programs import SLEEP
from tests.notify.conftest import Mails, Web, closed_port, mails, web
from tests.waiting import until

__all__ = ["closed_port", "mails", "web"]

CRASH = ["sh", "-c", "echo 'no database' >&2; exit 3"]
QUICK = {"initialSeconds": 0.1, "maxSeconds": 0.5}


def declare(recon: Recon, *targets: dict[str, Any]) -> Path:
    document = {"apiVersion": "recon/v1", "kind": "Settings", "spec": {"notify": [*targets]}}
    return recon.write("recon.yaml", json.dumps(document))


def hook(web: Web, **more: Any) -> dict[str, Any]:
    return {
        "name": "ops",
        "webhook": web.address,
        "groupSeconds": 0.5,
        "recoverySeconds": 1,
        **more,
    }


def kinds(web: Web) -> list[str]:
    return [request["kind"] for request in web.requests]


def notifiers(recon: Recon) -> list[int]:
    """The processes of this controller that send."""
    assert recon.controller is not None
    pid = recon._ask.version()["pid"]
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                command = Path(f"/proc/{entry}/cmdline").read_bytes()
            except OSError:
                continue
            if f"reconciler.notify\0{pid}\0".encode() in command:
                found.append(int(entry))
    return found


def test_a_crash_loop_is_one_message_by_each_way_and_its_end_one_more(
    recon: Recon, web: Web, mails: Mails, tmp_path: Path
) -> None:
    url = tmp_path / "url"
    url.write_text(f"mailto://127.0.0.1:{mails.port}?from=recon@host1.test&to=ops@host1.test\n")
    url.chmod(0o600)
    out = tmp_path / "messages"
    short = {"groupSeconds": 0.5, "recoverySeconds": 1}
    declare(
        recon,
        hook(web),
        {"name": "mail", "urlFile": str(url), **short},
        {"name": "cmd", "command": ["sh", "-c", f"cat >> {out}; echo >> {out}"], **short},
    )
    recon.app("web", CRASH, backoff=QUICK)
    recon.app("calm", SLEEP)
    recon.run()
    until(lambda: kinds(web) == ["problem"] and len(mails.received) == 1 and out.exists())
    until(lambda: recon.of("web")["restarts"] >= 6)
    recon.app("web", SLEEP)
    until(lambda: len(web.requests) == 2 and len(mails.received) == 2)
    assert kinds(web) == ["problem", "recovery"]
    first = web.requests[0]
    assert first["subject"].startswith("[recon] web keeps crashing on ")
    assert "  | no database" in first["text"] and "Revision: 1" in first["text"]
    assert [str(mail["Subject"])[:25] for _, mail in mails.received] == [
        "[recon] web keeps crashin",
        "[recon] web runs again on",
    ]
    until(lambda: len(out.read_text().splitlines()) == 2)
    document = recon.json("notify")
    assert [one["sent"] for one in document["targets"]] == [2, 2, 2]
    assert "s3cr3t" not in recon.cli("notify") + recon.cli("status") + recon.output.read_text()
    assert not any(b"s3cr3t" in path.read_bytes() for path in recon.state.glob("recon*.db*"))


def test_kill_9_loses_no_message_and_an_edit_takes_effect_at_once(
    recon: Recon, web: Web, closed_port: int
) -> None:
    dead = hook(web, webhook=f"http://127.0.0.1:{closed_port}/s3cr3t-token")
    declare(recon, dead)
    recon.app("web", CRASH, backoff=QUICK)
    recon.run()
    until(lambda: recon.status()["notifications"], what="status names the target that fails")
    text = recon.cli("status")
    assert "ops: no connection" in text and "s3cr3t" not in text
    (pid,) = notifiers(recon)
    os.kill(pid, 9)
    until(lambda: notifiers(recon) not in ([], [pid]))
    recon.kill_controller()
    recon.run()
    (waiting,) = [one["waiting"] for one in recon.json("notify")["targets"]]
    assert waiting == 1
    declare(recon, hook(web))
    until(lambda: web.requests)
    recon.kill_controller()
    recon.run()
    until(lambda: recon.json("notify")["targets"][0]["waiting"] == 0)
    assert {request["id"] for request in web.requests} == {web.requests[0]["id"]}
    reasons = [
        event["reason"] for event in map(json.loads, recon.cli("events", "-o", "json").splitlines())
    ]
    assert "NotificationFailed" in reasons
    declare(recon)
    until(lambda: not notifiers(recon), what="without a target nothing runs for it")


def test_what_is_wrong_is_named_and_what_was_stays(recon: Recon, web: Web) -> None:
    file = declare(recon, hook(web))
    recon.app("web", SLEEP)
    recon.run()
    recon.healthy("web")
    until(lambda: notifiers(recon))
    declare(recon, hook(web), {"url": "slack://s3cr3t-token", "reasons": ["Backoff"]})
    until(lambda: kinds(web) == ["problem"], what="the mistake itself is notified of")
    assert "did you mean BackOff?" in web.requests[0]["text"]
    text = recon.cli("validate", code=1)
    assert f"{file.name}:1:" in text and "spec.notify.1.reasons.0" in text and "s3cr3t" not in text
    assert len(recon.json("notify")["targets"]) == 1
    declare(recon, hook(web), {"url": "slack://s3cr3t-token"})
    until(lambda: kinds(web) == ["problem", "recovery"])
    text = recon.cli("validate", code=1)
    assert "spec.notify.1.url: Apprise cannot read this URL" in text and "s3cr3t" not in text
    text = recon.cli("notify", "test", code=1)
    assert "sent" in text and "Apprise cannot read its URL" in text and "s3cr3t" not in text
    assert kinds(web)[-1] == "test"
    assert recon.cli("notify", "test", "ops")
    assert "did you mean ops?" in recon.cli("notify", "test", "opps", code=1)
    recon.kill_controller()
    assert "sent" in recon.cli("notify", "test", "ops"), "also where no controller runs"


@pytest.mark.parametrize("answer", ["silent", "500", "302 Location=file:///etc/passwd"])
def test_a_rude_receiver_changes_nothing_for_apps(recon: Recon, web: Web, answer: str) -> None:
    web.answers = [answer]
    declare(recon, hook(web, timeoutSeconds=1))
    recon.app("web", CRASH, backoff=QUICK)
    recon.run()
    until(lambda: recon.status()["notifications"])
    recon.app("api", SLEEP)
    recon.healthy("api")
    (pid,) = notifiers(recon)
    recon.kill_controller()
    until(lambda: not os.path.exists(f"/proc/{pid}"), what="the notifier ends with its controller")
    web.answers = ["204"]
    recon.run()
    until(lambda: recon.json("notify")["targets"][0]["sent"])
    assert web.elsewhere == []
