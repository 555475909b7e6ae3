"""`recon apply --target`: what is sent, what is not, and when the wait ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from reconciler.cli.framework.errors import ERROR, OK, CliError
from reconciler.cli.framework.options import Where, where
from reconciler.cli.verbs.elsewhere import apply as verb
from reconciler.convert.fields import Fate, Note
from reconciler.model.state.desired import Desired, Problem
from reconciler.model.state.plan import AppChange, AppStatus, Change, Changes, Health, Sync
from reconciler.targets.engine import Engine, View

WEB = """apiVersion: recon/v1
kind: App
metadata: {name: web}
spec: {image: example/web:1, command: [/bin/web]}
"""
NOTE = Note("web", "cwd", Fate.DIFFERS, "it is the image's own (WORKDIR)")
NEW = Change("web", "create", None, 1, (), 1, 0, 0, 0)
DONE = replace(NEW, action="none", start=0, unchanged=1)
STATUS = AppStatus("web", "App", Sync.SYNCED, Health.HEALTHY, 1, 1, 1, 1, 1, 0, "", (), (), ())


class Played:
    """An engine that shows these changes and statuses, look by look; the last one stays."""

    name = "kubernetes:played"

    def __init__(
        self, *looks: tuple[Change, AppStatus], problems: tuple[Problem, ...] = ()
    ) -> None:
        self.looks = [*looks]
        self.problems = problems
        self.sent: list[View] = []

    def look(self, desired: Desired, names: object, **_: bool) -> View:
        change, status = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        app = AppChange(change.app, desired.apps.get(change.app), change)
        problems = (*desired.problems, *self.problems)
        return View(Changes((app,), problems), (status,), (NOTE,))

    def apply(self, desired: Desired, names: object, view: View) -> None:
        self.sent.append(view)


@pytest.fixture
def place(tmp_path: Path) -> Where:
    (tmp_path / "web.yaml").write_text(WEB)
    return where(str(tmp_path), str(tmp_path / "state"))


def applied(
    played: Played, place: Where, monkeypatch: pytest.MonkeyPatch, output: str = "text"
) -> int:
    @contextmanager
    def engine(target: str) -> Iterator[Engine]:
        yield cast(Engine, played)

    monkeypatch.setattr(verb, "engine", engine)
    monkeypatch.setattr(verb, "_EVERY", 0.0)
    how: dict[str, Any] = {"prune": False, "force": False, "detailed": False}
    return verb.apply(place, "kubernetes:played", output, **how, limit=60.0)


def test_it_sends_and_waits_until_all_is_ready(
    place: Where, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rising = replace(STATUS, health=Health.PROGRESSING)
    played = Played((NEW, rising), (DONE, rising), (DONE, STATUS))
    assert applied(played, place, monkeypatch, "json") == OK
    assert len(played.sent) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["target"], document["summary"]["start"]) == ("kubernetes:played", 1)
    assert [one["field"] for one in document["notes"]] == ["cwd"]


def test_a_mistake_in_a_file_or_a_refusal_sends_nothing(
    place: Where, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = Problem("web.yaml", 1, 1, "", "the cluster refuses the Deployment web: no", ("web",))
    played = Played((NEW, STATUS), problems=(refusal,))
    assert applied(played, place, monkeypatch) == ERROR
    (place.manifests / "bad.yaml").write_text("kind: [")
    other = Played((NEW, STATUS))
    assert applied(other, place, monkeypatch) == ERROR
    assert not played.sent and not other.sent
    assert "Nothing was sent to kubernetes:played" in capsys.readouterr().err


def test_what_belongs_to_others_sends_nothing(
    place: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played((replace(DONE, held=True, notes=("taken",)), STATUS))
    with pytest.raises(CliError, match="force-conflicts"):
        applied(played, place, monkeypatch)
    assert not played.sent


def test_the_wait_ends_where_only_a_person_can_go_on(
    place: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Change("old", "none", None, None, (), 0, 0, 0, 1, notes=("waits",), held=True)
    left = replace(STATUS, name="old", sync=Sync.OUT_OF_SYNC)
    played = Played((gone, left))
    with pytest.raises(CliError, match="old: waiting for a person"):
        applied(played, place, monkeypatch)
    assert len(played.sent) == 1


def test_the_wait_ends_where_an_instance_cannot_come_up(
    place: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(STATUS, health=Health.DEGRADED, message="ImagePullBackOff")
    with pytest.raises(CliError, match="web: waiting for a person"):
        applied(Played((NEW, broken)), place, monkeypatch)
