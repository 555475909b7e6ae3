"""What apps watch is followed when it is quiet, not too fast, and trouble with it is told once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import pytest

from reconciler.desired.watched.own_files import OwnFiles
from reconciler.desired.watched.treetask import Refused
from reconciler.loop.watching import contents as module
from reconciler.loop.watching.contents import Contents, NotLookedAtError
from reconciler.model.state.desired import DesiredApp, Problem
from reconciler.model.state.event import Event
from reconciler.system.work.worker import TaskFault, WorkerError, WorkerTimeout
from tests.diff.simhost import app_of
from tests.loop.simulated.clock import Clock, JumpingLoop
from tests.loop.simulated.reading import Looks, ToldHints

WEB = app_of(watch={"paths": ["src"]}, cwd="/srv")
FILE = "/srv/src/a.js"


class Watched:
    """An app named web that watches, and what was told of it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.loop = JumpingLoop(self.clock)
        self.looks = Looks(self.loop)
        self.looks.digests["src"] = "one"
        self.building = False
        self.events: list[Event] = []
        self.changed: list[str] = []
        self.looked: list[str] = []
        self.contents = self._made()

    def _made(self) -> Contents:
        return Contents(
            self.loop,
            cast("Any", self.looks),
            cast("Any", None),
            OwnFiles(),
            self._aside,
            on_change=self._on_change,
            on_looked=self.looked.append,
            on_event=self.events.append,
            is_building=lambda name: self.building,
        )

    async def _aside(self, call: Callable[[], Problem]) -> Problem:
        return call()

    def _on_change(self, names: Iterable[str]) -> None:
        self.changed += names

    @property
    def hints(self) -> ToldHints:
        return cast("ToldHints", self.contents._hints)

    def of(self, app: DesiredApp = WEB) -> str | None:
        """The digest that the app has; None before it was looked at."""
        try:
            return self.contents.of(app).spec.watched.get("src")
        except NotLookedAtError:
            return None

    def begin(self) -> None:
        """It has been looked at for the first time."""
        self.of()
        self.run(0.1)
        assert self.of() == "one"

    def write(self, digest: str) -> None:
        """A program writes into what is watched."""
        self.looks.digests["src"] = digest
        self.hints.tell({FILE})

    def run(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def reasons(self) -> list[str]:
        return [event.reason for event in self.events]

    def close(self) -> None:
        self.contents.close()
        self.run(1)
        self.loop.close()
        assert not self.loop.faults, "a callback failed"


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr(module, "Hints", ToldHints)
    made = Watched()
    yield made
    made.close()


def test_nothing_is_known_of_it_before_it_was_looked_at(watched: Watched) -> None:
    watched.looks.lasts = 2.0
    assert watched.of() is None and watched.contents.is_awaited("web")
    watched.run(1.5)
    assert watched.of() is None and not watched.contents.is_awaited("web"), "it takes long"
    assert watched.looked == ["web"]
    watched.run(1)
    assert watched.of() == "one" and watched.changed == ["web"]


def test_what_an_earlier_controller_followed_holds_until_then(watched: Watched) -> None:
    watched.contents.remember({"web": {"src": "before"}})
    assert watched.of() == "before"
    watched.run(0.1)
    assert watched.of() == "one" and watched.reasons() == ["ContentChanged"]


def test_a_change_is_followed_when_nothing_was_written_for_a_moment(watched: Watched) -> None:
    watched.begin()
    for number in range(20):
        watched.write(f"half {number}")
        watched.run(0.2)
    assert watched.of() == "one", "it is still being written"
    watched.write("two")
    watched.run(0.6)
    assert watched.of() == "two" and watched.reasons() == ["ContentChanged"]
    assert watched.events[0].message == "src/a.js changed"


def test_a_write_that_changes_nothing_is_no_change(watched: Watched) -> None:
    watched.begin()
    watched.changed.clear()
    watched.write("one")
    watched.run(5)
    assert not watched.changed and not watched.events


def test_what_is_elsewhere_is_not_looked_at(watched: Watched) -> None:
    watched.begin()
    count = len(watched.looks.asked)
    watched.hints.tell({"/srv/other/b.js"})
    watched.run(5)
    assert len(watched.looks.asked) == count


def test_what_never_rests_is_told_once_and_goes_when_it_does(watched: Watched) -> None:
    watched.begin()
    for number in range(200):
        watched.write(f"half {number}")
        watched.run(0.3)
    assert watched.reasons() == ["WatchRestless"]
    trouble = watched.contents.trouble("web")
    assert trouble is not None and f"(last: {FILE})" in trouble.message
    watched.run(1)
    assert watched.contents.trouble("web") is None and watched.of() == "half 199"


def test_an_app_that_writes_where_it_watches_is_followed_more_and_more_rarely(
    watched: Watched,
) -> None:
    watched.begin()
    followed = 0
    for number in range(600):  # five minutes, a write each half second after it was replaced
        before = watched.of()
        watched.write(f"content {number}")
        watched.run(0.6)
        followed += watched.of() != before
    assert 10 < followed < 25
    assert watched.reasons().count("WatchLoop") >= 1
    assert watched.contents.trouble("web") is not None


def test_while_it_is_built_it_is_left_alone_and_then_taken_as_a_whole(watched: Watched) -> None:
    watched.begin()
    watched.building = True
    watched.write("half")
    watched.run(5)
    assert watched.of() == "one"
    watched.building = False
    watched.looks.digests["src"] = "two"
    watched.contents.look_at("web")
    watched.run(0.1)
    assert watched.of() == "two"


def test_what_was_emptied_keeps_what_it_was(watched: Watched) -> None:
    watched.begin()
    del watched.looks.digests["src"]
    watched.hints.tell({FILE})
    watched.run(5)
    assert watched.of() == "one" and not watched.events


def test_a_change_during_a_look_is_looked_at_once_more(watched: Watched) -> None:
    watched.begin()
    watched.looks.lasts = 1.0
    watched.write("two")
    watched.run(0.7)  # the look is under way
    watched.write("three")
    watched.run(5)
    assert watched.of() == "three" and watched.reasons() == ["ContentChanged"]


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (Refused("src holds too many files", "watch less"), "src holds too many files"),
        (WorkerTimeout("late", "/srv/src/dead"), "/srv/src/dead could not be read within 60 s"),
        (WorkerError("it ended"), "watched files cannot be looked at: it ended"),
    ],
)
def test_what_cannot_be_looked_at_is_a_problem_and_stays_what_it_was(
    watched: Watched, trouble: Any, told: str
) -> None:
    watched.begin()
    watched.looks.trouble = trouble
    watched.write("two")
    watched.run(2)
    app = watched.contents.of(WEB)
    assert app.spec.watched["src"] == "one"
    assert app.problem is not None and app.problem.message == told
    watched.looks.trouble = None
    watched.hints.tell({FILE})
    watched.run(120)
    app = watched.contents.of(WEB)
    assert app.spec.watched["src"] == "two" and app.problem is None


def test_what_changes_faster_than_it_can_be_looked_at_is_told(watched: Watched) -> None:
    watched.begin()
    watched.looks.lasts = 3.0
    for number in range(100):
        watched.write(f"content {number}")
        watched.run(1)
    assert watched.of() == "one" and watched.reasons() == ["WatchRestless"]
    watched.run(10)
    assert watched.of() == "content 99" and watched.contents.trouble("web") is None


def test_one_that_failed_is_looked_at_rarely(watched: Watched) -> None:
    watched.begin()
    watched.looks.lasts, watched.looks.trouble = 3.0, WorkerError("it ended")
    count = len(watched.looks.asked)
    for _ in range(600):
        watched.hints.tell({FILE})
        watched.run(0.6)
    assert len(watched.looks.asked) - count <= 12, "a tenth of six minutes, three seconds each"


def test_trouble_of_the_host_is_told_once(watched: Watched) -> None:
    watched.begin()
    watched.looks.trouble = TaskFault("out of memory")
    for _ in range(3):
        watched.hints.tell({FILE})
        watched.run(60)
    trouble = watched.contents.trouble("web")
    assert trouble is not None and trouble.reason == "WatchFailed"
    assert watched.contents.of(WEB).problem is None


def test_another_thing_to_watch_is_looked_at_before_it_counts(watched: Watched) -> None:
    watched.begin()
    other = app_of(watch={"paths": ["dist"]}, cwd="/srv")
    watched.looks.digests = {"dist": "built"}
    with pytest.raises(NotLookedAtError):
        watched.contents.of(other)
    watched.run(0.1)
    assert watched.contents.of(other).spec.watched == {"dist": "built"}


def test_an_edit_that_watches_the_same_needs_no_look(watched: Watched) -> None:
    watched.begin()
    count = len(watched.looks.asked)
    edited = app_of(command="b", watch={"paths": ["src"]}, cwd="/srv")
    assert watched.contents.of(edited).spec.watched == {"src": "one"}
    watched.run(5)
    assert len(watched.looks.asked) == count


def test_one_that_watches_nothing_any_more_is_forgotten_in_the_middle_of_a_look(
    watched: Watched,
) -> None:
    watched.begin()
    watched.looks.lasts = 5.0
    watched.write("two")
    watched.run(1)
    plain = app_of()
    assert watched.contents.of(plain) is plain
    watched.changed.clear()
    watched.run(20)
    assert not watched.changed and watched.looks.forgotten[-1] == "web"


def test_a_folder_that_comes_to_be_is_watched_and_looked_into(watched: Watched) -> None:
    watched.begin()
    watched.looks.discovered = {"/srv/src/new"}
    watched.looks.folders = frozenset({"/srv/src", "/srv/src/new"})
    watched.hints.tell({"/srv/src/new"})
    watched.run(0.1)
    assert watched.hints.has("/srv/src/new")


def test_the_safety_net_finds_what_nobody_told_of(watched: Watched) -> None:
    watched.begin()
    watched.looks.digests["src"] = "two"
    watched.run(60)
    assert watched.of() == "one"
    watched.contents.look_around()
    watched.run(1)
    assert watched.of() == "two"


def test_who_asks_for_a_look_need_not_wait_until_it_is_quiet(watched: Watched) -> None:
    watched.begin()
    watched.write("two")
    watched.contents.look()
    assert watched.contents.is_looking()
    watched.run(0.1)
    assert watched.of() == "two" and not watched.contents.is_looking()
