"""What each part of the test is, in plain English: its chapter of `docs/reliability.md`."""

from __future__ import annotations

from typing import NamedTuple


class Chapter(NamedTuple):
    """A heading, and what a reader should know before the table."""

    part: str
    title: str
    text: str
    repeat: str
    """The command that makes the result again."""


CHAPTERS = (
    Chapter(
        "children",
        "Children of every kind",
        "A real controller runs one app of each kind at the same time. Then one thing happens "
        "to all of them. Each cell checks that the declared number of instances runs, that no "
        "process is left after a stop, that the status has the exit code or the signal as it "
        "was, and that each line that the program wrote is in the log once.",
        "make reliability",
    ),
    Chapter(
        "hosts",
        "Hosts with a fault",
        "One thing is wrong with the host while a real controller runs. Each cell checks one "
        "promise: what runs keeps running; a crash is corrected during the fault, where the "
        "fault allows it; the status names the fault; an edit that was made during the fault is "
        "applied when the fault ends, without a restart of the controller; and no Job without a "
        "schedule runs twice.",
        "make reliability",
    ),
    Chapter(
        "simulate",
        "Simulated histories",
        "The real loop, plan and journal run on a simulated host, in one thread, under a seed. "
        "The seed decides about crashes before and after each effect, stale and lost "
        "observations, full disks, clock steps, boots and edits. The end must equal that of the "
        "undisturbed run, and at no moment may a promise be broken. A failure prints one line "
        "that repeats it.",
        "make simulate SEEDS=10000",
    ),
    Chapter(
        "planted",
        "Planted faults",
        "A test that cannot fail shows nothing. So each of these faults was put into recon by "
        "hand, and the simulator had to find it.",
        "make simulate PLANTED=1 SEEDS=1000",
    ),
    Chapter(
        "faults",
        "Killed at each effect",
        "A real controller is killed with SIGKILL before or after one of its effects (a write, "
        "a fork, a signal, a commit), and the next controller takes over. The programs number "
        "their lines and count their starts.",
        "make faults CRASHES=10000",
    ),
    Chapter(
        "lines",
        "No line lost",
        "Programs write numbered lines, and end while no controller runs. The next controller "
        "must write each line once.",
        "make e2e",
    ),
    Chapter(
        "fuzz",
        "Fuzzed input",
        "Each reader of foreign input gets damaged and invented input. It must answer or "
        "refuse, in bounded time, and never fail in a way that was not foreseen.",
        "make fuzz SECONDS=600",
    ),
    Chapter(
        "soak",
        "Hours of work",
        "A controller works for hours under edits, crashes and readers. Descriptors, memory, "
        "threads and the size of its state must be level at the end.",
        "make soak HOURS=2",
    ),
    Chapter(
        "upgrade",
        "Upgrades",
        "State and processes of an older release are taken over by this one.",
        "make e2e",
    ),
)
