"""Situations that some of many runs must have been in: an oracle that is never tried shows nothing.

Each looks at what happened in one run. ``python -m tests.simulate`` counts the runs that each was
reached in, and fails over a thousand seeds and more for one that never was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

from tests.simulate.lives import Life
from tests.simulate.run import Outcome
from tests.simulate.seen import Seen

Situation = Callable[[Seen], bool]
SITUATIONS: dict[str, Situation] = {}
RARE: set[str] = set()
"""Not reached in each 300 seeds: a thousand are asked for them."""


def situation(words: str, *, rare: bool = False) -> Callable[[Situation], Situation]:
    def name(check: Situation) -> Situation:
        SITUATIONS[words] = check
        if rare:
            RARE.add(words)
        return check

    return name


def reached(outcome: Outcome) -> list[str]:
    """The situations that a run was in."""
    seen = Seen(outcome)
    return [words for words, check in SITUATIONS.items() if check(seen)]


# -- where the controller was killed -------------------------------------------------------------


@situation("killed between a start and its record")
def _(seen: Seen) -> bool:
    return seen.killed("after", "host.spawn")


@situation("killed just before a start")
def _(seen: Seen) -> bool:
    return seen.killed("before", "host.spawn")


@situation("killed between a signal and its record")
def _(seen: Seen) -> bool:
    return seen.killed("after", "host.signal")


@situation("killed within a transaction of the journal")
def _(seen: Seen) -> bool:
    return seen.killed("before", "sqlite3.commit") or seen.killed("after", "sqlite3.execute")


@situation("killed between the FIFO and the log")
def _(seen: Seen) -> bool:
    return seen.killed("after", "os.splice") or seen.killed("before", "os.write /state/logs")


@situation("killed between the log and the carry")
def _(seen: Seen) -> bool:
    return seen.killed("after", "os.write /state/logs") or seen.killed(
        "before", "os.open /state/fifo", "os.pwrite /state/fifo", "os.ftruncate"
    )


@situation("killed while a FIFO was made")
def _(seen: Seen) -> bool:
    effects = ("os.mkfifo", "fcntl.fcntl", "os.mkdir /dev/shm", "os.chown")
    return seen.killed("after", *effects) or seen.killed("before", *effects)


@situation("killed while it began, twice in a row")
def _(seen: Seen) -> bool:
    entries = [e.what for e in seen.outcome.history.entries if e.what in ("kill", "controller")]
    return ("kill", "kill") in pairwise(entries)


@situation("killed while two revisions of an app serve")
def _(seen: Seen) -> bool:
    return any(
        len({life.version for life in seen.alive(at) if life.app == app}) > 1
        for at in seen.kills
        for app in seen.outcome.scenario.meant
    )


@situation("killed while a process is on its way out")
def _(seen: Seen) -> bool:
    return any(life.stopped < at for at in seen.kills for life in seen.alive(at))


@situation("killed while a program was not exec'd yet")
def _(seen: Seen) -> bool:
    return any(
        at - life.began < 0.8 and _is_slow(seen, life)
        for at in seen.kills
        for life in seen.alive(at)
    )


def _is_slow(seen: Seen, life: Life) -> bool:
    wish = seen.wish(life)
    return wish is not None and wish.program == "slow-start"


@situation("killed while a Job runs")
def _(seen: Seen) -> bool:
    return any(
        (wish := seen.wish(life)) is not None and wish.is_job
        for at in seen.kills
        for life in seen.alive(at)
    )


@situation("killed while a bad revision is rolled out")
def _(seen: Seen) -> bool:
    return seen.any_kill(seen.during(", which is ", "undone"))


@situation("killed while a crashed app waits for its next try")
def _(seen: Seen) -> bool:
    by_number: dict[tuple[str, int], list[Life]] = defaultdict(list)
    for life in seen.lives:
        by_number[life.app, life.instance].append(life)
    waits = [
        (life.ended, after.began)
        for of_number in by_number.values()
        for life, after in pairwise(of_number)
        if life.is_crash
    ]
    return seen.any_kill(waits)


# -- what happened while no controller ran -------------------------------------------------------


@situation("an instance ends while no controller runs")
def _(seen: Seen) -> bool:
    return any(seen.is_away(life.ended) and life.how != "the host boots" for life in seen.lives)


@situation("a run of a Job ends while no controller runs")
def _(seen: Seen) -> bool:
    return any(
        seen.is_away(life.ended) and (wish := seen.wish(life)) is not None and wish.is_job
        for life in seen.lives
    )


@situation("a manifest is edited while no controller runs")
def _(seen: Seen) -> bool:
    return any(seen.is_away(op.at) for op in seen.ops("write", "edited"))


@situation("an app is removed while no controller runs")
def _(seen: Seen) -> bool:
    return any(seen.is_away(op.at) for op in seen.ops("remove", "removed"))


@situation("a controller begins while the directory is away")
def _(seen: Seen) -> bool:
    gone = seen.during("the directory is gone", "the manifests are back")
    return any(begin < end < back for begin, back in gone for _, end in seen.away)


@situation("a controller begins while a manifest is half written", rare=True)
def _(seen: Seen) -> bool:
    spans = seen.during("is half written", "edited") + seen.during("is emptied", "edited")
    return any(begin < end < back for begin, back in spans for _, end in seen.away)


@situation("a schedule comes due while no controller runs")
def _(seen: Seen) -> bool:
    cron = any(
        meant[0].wish and meant[0].wish.kind == "cron"
        for meant in seen.outcome.scenario.meant.values()
    )
    return cron and any(begin // 120 != end // 120 for begin, end in seen.away)


@situation("an instance ends while the manifests are unmounted")
def _(seen: Seen) -> bool:
    spans = seen.during("the manifests are unmounted", "the manifests are back")
    return any(a < life.ended < b for life in seen.lives for a, b in spans)


@situation("a controller begins while the manifests are unmounted")
def _(seen: Seen) -> bool:
    spans = seen.during("the manifests are unmounted", "the manifests are back")
    return any(a < end < b for a, b in spans for _, end in seen.away)


@situation("an app waits for one that waits for another")
def _(seen: Seen) -> bool:
    needs = {
        app: [need["app"] for need in dict(meant[0].wish.fields).get("dependsOn", ())]
        for app, meant in seen.outcome.scenario.meant.items()
        if meant[0].wish is not None
    }
    return any(needs.get(need) for needed in needs.values() for need in needed)


# -- edits ---------------------------------------------------------------------------------------


@situation("a prune is held while the directory is away")
def _(seen: Seen) -> bool:
    gone = seen.during("the directory is gone", "the manifests are back")
    return any(
        back - begin > 5 and not seen.is_away(begin + 3) and seen.alive(begin + 3)
        for begin, back in gone
    )


@situation("most manifests are gone for long")
def _(seen: Seen) -> bool:
    spans = seen.during("most manifests are gone", "the manifests are back")
    return any(back - begin > 5 and not seen.is_away(begin + 3) for begin, back in spans)


@situation("a folder of manifests cannot be listed for long")
def _(seen: Seen) -> bool:
    spans = seen.during("a folder cannot be listed", "the manifests are back")
    return any(back - begin > 5 and not seen.is_away(begin + 3) for begin, back in spans)


@situation("a mistake in a manifest is reported and fixed")
def _(seen: Seen) -> bool:
    return {"ManifestInvalid", "ManifestValid"} <= seen.events


@situation("a rollout is undone before it has failed")
def _(seen: Seen) -> bool:
    spans = seen.during(", which is ", "undone")
    return any(back - begin < 25 for begin, back in spans)


@situation("a rollout fails at its deadline, and the old instances serve")
def _(seen: Seen) -> bool:
    return "ProgressDeadlineExceeded" in seen.events


@situation("a canary fails")
def _(seen: Seen) -> bool:
    return "CanaryFailed" in seen.events


@situation("an app is suspended and comes back")
def _(seen: Seen) -> bool:
    return bool(seen.ops("write", "resumed"))


@situation("an app is removed to its last process")
def _(seen: Seen) -> bool:
    return "Pruned" in seen.events


@situation("limits are changed on a process that runs")
def _(seen: Seen) -> bool:
    return "LimitsAdjusted" in seen.events


# -- the host ------------------------------------------------------------------------------------


@situation("the host boots while a controller runs")
def _(seen: Seen) -> bool:
    return any(not seen.is_away(entry.at - 1e-3) for entry in seen.outcome.history.of("boot"))


@situation("the host boots while no controller runs")
def _(seen: Seen) -> bool:
    return any(seen.is_away(entry.at - 1e-3) for entry in seen.outcome.history.of("boot"))


@situation("a process ignores SIGTERM and is killed")
def _(seen: Seen) -> bool:
    return any("9" in [word for _, word in life.signals] for life in seen.lives)


@situation("a stopped process leaves children behind")
def _(seen: Seen) -> bool:
    return any("child" in entry.detail for entry in seen.outcome.history.of("signal"))


@situation("the wall clock is set back while a schedule waits")
def _(seen: Seen) -> bool:
    cron = any(
        meant[0].wish and meant[0].wish.kind == "cron"
        for meant in seen.outcome.scenario.meant.values()
    )
    return cron and any(
        fault.what == "clock" and fault.seconds < 0 for fault in seen.outcome.faults
    )


@situation("an end is heard of after the next one")
def _(seen: Seen) -> bool:
    lag = [fault for fault in seen.outcome.faults if fault.what == "lag"]
    ends = [life.ended for life in seen.lives if life.signals or life.is_crash]
    return any(sum(f.at < end < f.at + f.seconds for end in ends) > 1 for f in lag)


@situation("a start is refused by the kernel, and tried again")
def _(seen: Seen) -> bool:
    return "FailedSync" in seen.events


@situation("the journal cannot be written for a while")
def _(seen: Seen) -> bool:
    return bool({"JournalUnavailable", "JournalRecovered"} & seen.events)


@situation("a log cannot be written for a while")
def _(seen: Seen) -> bool:
    return "LogsDropped" in seen.events or "LogsRecovered" in seen.events
