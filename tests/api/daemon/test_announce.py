"""What is said on a terminal is said in order, and holds nobody up who says it."""

from __future__ import annotations

import signal
import threading

from reconciler.api.daemon import announce
from reconciler.api.daemon.announce import Announcer
from reconciler.model.state.event import Event
from reconciler.state.journal.events import RecordedEvent
from tests.waiting import until


def test_a_terminal_that_does_not_read_holds_nobody_up() -> None:
    stopped, written = threading.Event(), list[str]()

    def write(line: str) -> None:
        stopped.wait()
        written.append(line)

    announcer = Announcer(write)
    for number in range(announce._MOST * 3):
        announcer.say(str(number))
    stopped.set()
    until(lambda: len(written) >= announce._MOST, what="it reads again")
    assert written[:3] == ["0", "1", "2"]
    announcer.say("later")
    until(lambda: written[-1] == "later", what="what comes later is written")


def test_an_event_is_one_harmless_line() -> None:
    written: list[str] = []
    announcer = Announcer(written.append)
    announcer.event(RecordedEvent(1, 0.0, Event("web", "Exited", "a\x1b[2J\nb", instance=1)))
    until(lambda: written, what="it is written")
    assert written[0].endswith("  web-1             Exited            a [2J b")


def test_a_terminal_that_is_gone_ends_it_quietly() -> None:
    def write(line: str) -> None:
        raise BrokenPipeError

    before = threading.active_count()
    Announcer(write).say("x")
    until(lambda: threading.active_count() <= before, what="its thread ends")


def test_its_thread_takes_no_signal_from_the_loop() -> None:
    masks: list[set[signal.Signals | int]] = []
    Announcer(lambda line: masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))).say("x")
    until(lambda: masks, what="it is written")
    assert {signal.SIGTERM, signal.SIGINT, signal.SIGHUP} <= masks[0]
