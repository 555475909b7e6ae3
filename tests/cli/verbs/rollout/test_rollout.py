"""`rollout status` says what kubectl says; `history` and `undo` work on what is remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.framework.errors import CliError
from reconciler.cli.verbs.rollout.rollout import progress_of
from tests.api.test_client import Server
from tests.cli.conftest import Cli
from tests.cli.documents import app, instance, status


def _app(desired: int, updated: int, available: int, running: int, **values: Any) -> dict[str, Any]:
    rows = [instance(f"web-{number}") for number in range(running)]
    numbers = {"desired": desired, "updated": updated, "available": available}
    return app("web", instances=rows, **numbers, **values)


def _condition(status: str, reason: str, message: str = "") -> list[dict[str, str]]:
    return [{"type": "Progressing", "status": status, "reason": reason, "message": message}]


# Source: kubectl, rollout_status_test.go, TestDeploymentStatusViewerStatus.
@pytest.mark.parametrize(
    ("numbers", "sentence", "done"),
    [
        ((1, 0, 1, 1), "0 out of 1 new instances have been updated...", False),
        ((1, 1, 2, 2), "1 old instances are pending termination...", False),
        ((2, 2, 1, 2), "1 of 2 updated instances are available...", False),
        ((2, 2, 2, 2), "", True),
        ((0, 0, 0, 0), "", True),
    ],
)
def test_the_sentences_are_kubectls(
    numbers: tuple[int, int, int, int], sentence: str, done: bool
) -> None:
    waiting = f'Waiting for app "web" rollout to finish: {sentence}'
    expected = 'app "web" successfully rolled out' if done else waiting
    assert progress_of(_app(*numbers)) == (expected, done)


def test_what_ended_well_counts_as_updated_and_available() -> None:
    rows = [instance("web-0", state="completed", pid=None)]
    done = app("web", instances=rows, updated=0, available=0)
    assert progress_of(done) == ('app "web" successfully rolled out', True)


def test_a_canary_is_told_without_its_seconds() -> None:
    steady = "canary: 1 of 4 instances runs revision 5"
    conditions = _condition("True", "CanaryPauseStep", steady)
    found = _app(4, 1, 4, 4, conditions=conditions, message=f"{steady}, 43 s left")
    told = 'Waiting for app "web" rollout to finish: canary: 1 of 4 instances runs revision 5...'
    assert progress_of(found) == (told, False)


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        ("ProgressDeadlineExceeded", "no progress", 'app "web" exceeded its progress deadline'),
        ("RolloutAborted", "canary web-0 failed: exit 1", 'app "web": canary web-0 failed: exit 1'),
    ],
)
def test_what_was_given_up_is_an_error(reason: str, message: str, expected: str) -> None:
    found = _app(2, 0, 2, 2, conditions=_condition("False", reason, message))
    with pytest.raises(CliError) as error:
        progress_of(found)
    assert str(error.value) == expected


@pytest.fixture
def server(cli: Cli) -> Any:
    cli.state.mkdir()
    made = Server(cli.state / "recon.sock")
    yield made
    made.close()


def test_a_watch_ends_with_its_timeout_and_without_watching_at_once(cli: Cli, server: Any) -> None:
    server.json(status(_app(2, 1, 2, 2)))
    told = 'Waiting for app "web" rollout to finish: 1 out of 2 new instances have been updated...'
    done = cli("rollout", "status", "web", "--no-watch")
    assert (done.code, done.out) == (0, told + "\n")


def test_pause_and_resume_say_what_was_done(cli: Cli, server: Any) -> None:
    server.json({"app": "web", "done": True, "message": "app/web paused"})
    assert cli("rollout", "pause", "web").out == "app/web paused\n"


def test_without_history_nothing_can_be_undone(cli: Cli) -> None:
    path = cli.app("web")
    before = path.read_bytes()
    done = cli("rollout", "undo", "web")
    assert done.code == 1 and 'no rollout history found for app "web"' in done.err
    assert path.read_bytes() == before


def _applied(cli: Cli, path: Path, *texts: str) -> None:
    for text in texts:
        path.write_text(text)
        done = cli("apply")
        assert done.code == 0, done.err


def test_a_secret_that_changed_cannot_be_undone_and_is_named(cli: Cli) -> None:
    secret = cli.manifests / "token"
    secret.write_text("one")
    path = cli.app("web")
    text = path.read_text() + "  env: {TOKEN: {secretFile: token}}\n"
    _applied(cli, path, text)
    secret.write_text("two")
    _applied(cli, path, text)
    done = cli("rollout", "undo", "web")
    assert done.code == 1 and "only the value of TOKEN differs from revision 1" in done.err
    assert "nothing was written" in done.err
    assert "env.TOKEN" in cli("rollout", "history", "web").out
    shown = cli("rollout", "history", "web", "--revision", "1").out
    assert "TOKEN=***" in shown and "one" not in shown
    path.write_text(text.replace("'1000'", "'2000'"))
    assert cli("rollout", "undo", "web", "--to-revision", "1").code == 0
    assert path.read_text() == text
