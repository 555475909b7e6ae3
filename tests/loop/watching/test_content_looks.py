"""One look at a time for each app, and what its end is told as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from reconciler.desired.watched.own_files import OwnFiles
from reconciler.desired.watched.trees import Scope
from reconciler.desired.watched.treetask import Found, Refused
from reconciler.loop.watching.content_looks import ContentLooks, Outcome
from reconciler.loop.watching.discovery import Discovery
from reconciler.loop.watching.watched import Watched
from reconciler.model.words.sentence import Sentence
from reconciler.system.work.worker import TaskFault, WorkerTimeout
from tests.diff.simhost import app_of
from tests.loop.simulated.clock import Clock, JumpingLoop
from tests.loop.simulated.reading import Looks, ToldHints

APP = app_of("web", cwd="/srv", watch={"paths": ["src"]})


class Bench:
    """One app that watches, and all that is told of looks at it."""

    def __init__(self) -> None:
        self.loop = JumpingLoop(Clock())
        self.workers = Looks(self.loop)
        self.late: list[str] = []
        self.ended: list[tuple[int, Outcome, bool, bool]] = []
        self.app = Watched(APP, Scope(("src",), (), "/srv"), {}, None)
        self.looks = ContentLooks(
            self.loop,
            cast("Any", self.workers),
            OwnFiles(),
            on_ended=lambda app, *told: self.ended.append(told),
            on_late=self.late.append,
        )

    def run(self, seconds: float) -> None:
        self.loop.call_later(seconds, self.loop.stop)
        self.loop.run_forever()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.app.end()
    made.loop.close()


def test_a_look_that_was_requested_is_awaited_for_a_second(bench: Bench) -> None:
    bench.workers.lasts = 3
    bench.looks.look(bench.app, at_once=True)
    bench.run(0.5)
    assert bench.looks.is_awaited(bench.app) and not bench.late
    bench.run(1)
    assert not bench.looks.is_awaited(bench.app) and bench.late == ["web"]
    bench.run(3)
    ((number, outcome, at_once, again),) = bench.ended
    assert (number, at_once, again) == (1, True, False) and isinstance(outcome, Found)


def test_what_changes_during_a_look_is_looked_at_before_anything_is_told(bench: Bench) -> None:
    bench.workers.lasts = 1
    bench.looks.look(bench.app, at_once=False)
    bench.run(0.5)
    for _ in range(3):
        bench.looks.look(bench.app, at_once=False)
    bench.run(5)
    assert len(bench.workers.asked) == 2 and [number for number, *_ in bench.ended] == [2]


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (Refused("too large", "watch less"), Sentence),
        (WorkerTimeout("/srv/src/pipe"), Sentence),
        (TaskFault("out of files"), TaskFault),
    ],
)
def test_a_look_that_fails_says_why_and_is_not_repeated_by_itself(
    bench: Bench, trouble: Any, kind: type
) -> None:
    bench.workers.trouble, bench.workers.lasts = trouble, 1
    bench.looks.look(bench.app, at_once=False)
    bench.run(0.5)
    bench.looks.look(bench.app, at_once=False)
    bench.run(5)
    ((_, outcome, _, again),) = bench.ended
    assert isinstance(outcome, kind) and again and len(bench.workers.asked) == 1


def test_nothing_is_told_of_an_app_that_is_not_watched_any_more(bench: Bench) -> None:
    bench.workers.lasts = 1
    bench.looks.look(bench.app, at_once=True)
    bench.run(0.5)
    bench.app.end()
    bench.run(5)
    assert not bench.ended and not bench.late


def test_new_folders_are_listed_until_there_are_none(bench: Bench) -> None:
    hints = ToldHints(bench.loop, None, lambda paths: None, lambda: None)
    discovery = Discovery(bench.loop, cast("Any", hints), bench.looks)
    bench.workers.discovered = {"/srv/src/new", "/srv/src/new/er"}
    discovery.heard_of(bench.app, "/srv/src/new")
    bench.run(1)
    assert bench.app.folders == hints.folders == bench.workers.discovered
    assert not bench.app.unlisted and not bench.app.is_listing
    discovery.heard_of(bench.app, "/srv/src/new")  # it is watched: a hint like any other
    assert not bench.app.is_listing
