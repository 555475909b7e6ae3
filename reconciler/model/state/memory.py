"""The memory of an app between passes; persisted in the journal.

``plan`` takes a memory and returns the next one; nothing else changes it but the account of an
exit (``diff.core.backoff.after_exit``) and a user's request (``restart``, ``rollout pause``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.model.host.load import Withheld
from reconciler.model.state.observed import Exit
from reconciler.model.state.revision import Revision
from reconciler.model.words.nothing import nothing
from reconciler.model.words.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Ended:
    """How the last process of one instance number ended, and when the next may start.

    Valid only for the revision ``hash``: an edit clears it. Times are boot seconds.
    """

    hash: str
    exit: Exit
    at: float
    failures: int
    """Crashes in a row, each before ``backoff.resetSeconds`` of running."""
    retry_at: float | None
    """None: never again for this revision (restartPolicy)."""
    fault: str = ""
    """Why it could not even be started, or had to be ended (a probe failed), a sentence."""
    served: bool = False
    """It had been ready before it ended (without a probe: available)."""
    uptime: float | None = None
    """Seconds that the process ran; None where it could not even be started."""
    remedy: str = ""
    """What to do about the fault, which ends with it."""

    @property
    def message(self) -> str:
        """For people: ``exit 1``, ``SIGKILL (signal 9)``, or the fault."""
        return self.fault or str(self.exit)


@dataclass(frozen=True, slots=True)
class Eviction:
    """How the last process of one instance number outgrew `limits.memory`.

    Valid only for the revision ``hash`` and the limit: an edit clears it. Times are boot seconds.
    """

    hash: str
    limit: int | None
    """The limit then, in bytes."""
    nonce: str
    """Of the process that did."""
    started_at: float
    """When that process started."""
    at: float
    """When it was seen."""
    times: int
    """So often in a row, each within ``backoff.resetSeconds`` of its start."""
    replace_at: float
    """When it may be replaced."""
    message: str
    """A sentence with the figures."""


class Outcome(StrEnum):
    """How a run of a Job turned out."""

    ACTIVE = "Active"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a Job. Its number is the instance number of each process that tries it.

    Times are wall seconds since 1970, for they are remembered over boots, where nothing else is
    said.
    """

    number: int
    hash: str
    """Of the revision that it runs, whatever is declared later."""
    why: str
    """``revision 3``, ``schedule`` or ``requested``."""
    created_at: float
    due_at: float | None = None
    """The moment of the schedule."""
    began_at: float | None = None
    """When the first try started."""
    ended_at: float | None = None
    """When it was decided."""
    outcome: Outcome = Outcome.ACTIVE
    reason: str = ""
    """Why it failed, in one word: ``BackoffLimitExceeded``, ``DeadlineExceeded``, …"""
    failures: int = 0
    """Tries that failed."""
    exit: Exit | None = None
    """How the last try ended."""
    fault: str = ""
    """Why it could not be started, a sentence."""
    trying: bool = False
    """A process of it was seen, and its end was not."""
    retry_at: float | None = None
    """Boot seconds: not before."""
    began_boot: float | None = None
    """``began_at`` in boot seconds, of this boot."""
    tried_at: float | None = None
    """When the last try ended. Wall seconds."""
    uptime: float | None = None
    """Seconds that the process of the last try ran; None where it could not be started."""
    remedy: str = ""
    """What to do about the fault, which ends with it."""

    @property
    def message(self) -> str:
        """How it ended, for people: ``exit 1``, or the fault."""
        return self.fault or (str(self.exit) if self.exit is not None else "")


class Recall(StrEnum):
    """How reliable the memory of an app is."""

    WHOLE = "whole"
    """It is all there is to remember."""
    UNREAD = "unread"
    """The journal cannot be read now."""
    LOST = "lost"
    """The journal's record was damaged, and nothing brings it back."""


class Failure(StrEnum):
    """Why a revision was given up; the reason of its condition Progressing."""

    DEADLINE = "ProgressDeadlineExceeded"
    CANARY = "RolloutAborted"
    BUILD = "BuildFailed"
    PORT = "PortConflict"


@dataclass(frozen=True, slots=True)
class GivenUp:
    """That a revision was given up, also where it has been tried again since."""

    reason: Failure
    message: str
    remedy: str = ""
    """What would help, a sentence; empty where that is the same for every revision."""


@dataclass(frozen=True, slots=True)
class AppMemory:
    """Everything remembered of one app."""

    revisions: tuple[Revision, ...] = ()
    """Oldest first; the last is the one the manifest declares, once it was planned."""
    given_up: Mapping[int, GivenUp] = field(default_factory=nothing)
    """By number of the revision."""
    ended: Mapping[int, Ended] = field(default_factory=nothing)
    """By instance number."""
    evictions: Mapping[int, Eviction] = field(default_factory=nothing)
    """By instance number."""
    restarts: Mapping[int, int] = field(default_factory=nothing)
    """Restarts since the app was first seen, by instance number."""
    restart_requested_at: float | None = None
    """Processes that started before are to be replaced (`recon restart`). Boot seconds."""
    begun: bool = False
    """It was started since it was last at rest: the starts that follow are restarts and updates,
    which wait for no dependency. At rest: suspended, brought down, or all gone unseen."""
    dependency_starts: Mapping[str, float] = field(default_factory=nothing)
    """Of each dependency with ``restart: true``: when the newest of its processes had started
    that these here know of. Boot seconds."""
    progressed_at: float | None = None
    """When the current rollout last made progress; None while there is no rollout."""
    progress: int = 0
    """How far the rollout had come then: updated + available instances."""
    paused: bool = False
    """The rollout is held (`recon rollout pause`); what runs is kept as it runs."""
    leaving: Mapping[int, str] = field(default_factory=nothing)
    """By instance number: the hash of an earlier revision that serves there until the rollout
    replaces it."""
    left: Mapping[int, Ended] = field(default_factory=nothing)
    """By instance number: how the last process of those ended; ``ended`` is the new revision's."""
    canary: int = 0
    """Number of the revision that has yet to prove itself on its canary; 0 for none."""
    unbuilt: int = 0
    """Number of the revision that has yet to be built, so that none can be started; 0 for none."""
    awaiting: int = 0
    """Number of the revision that waits until a Job has completed; 0 for none."""
    awaiting_until: float | None = None
    """Boot seconds until which it waits in any case: the Job's edit may not have been seen yet."""
    limited: tuple[str, ...] = ()
    """Fields of ``limits`` that are declared, or were and are still in force on some process."""
    runs: tuple[Run, ...] = ()
    """Of a Job: those that are active and those that are remembered, by number."""
    last_run: int = 0
    """The highest number that a run has had."""
    called_revision: int = 0
    """Number of the revision for which a Job without a schedule has had its run."""
    scheduled: str = ""
    """The schedule and its time zone that ``scheduled_until`` belongs to."""
    scheduled_until: float | None = None
    """Wall seconds: what was due until then has been seen to."""
    held_back: float | None = None
    """The moment of the schedule at which Forbid was told of last. Wall seconds."""
    recall: Recall = Recall.WHOLE
    """Unless it is whole, nothing is done that only its memory could forbid
    (``diff.rollout.amnesia``)."""
    admitted: int | None = None
    """How many instances were let in; None: not noted yet (``diff.load``). Of a Job 0 or 1."""
    confirmed: int = 0
    """The highest count of instances that a person confirmed."""
    withheld: Withheld | None = None
    """The rise of the count that waits for a confirmation."""
    boot_id: str = ""
    """The boot that the boot seconds here belong to."""

    def revision(self, hash: str) -> Revision | None:
        """The newest remembered revision with exactly this hash."""
        return next((found for found in reversed(self.revisions) if found.hash == hash), None)

    def is_usable(self, hash: str) -> bool:
        """Whether a program of that revision can be started, and did not prove bad."""
        known = self.revision(hash)
        return known is not None and known.failed is None and bool(known.spec)


class JournalHealth(StrEnum):
    """How the journal is."""

    OK = "ok"
    SET_ASIDE = "setAside"
    """It was damaged: a new one was begun, and the damaged one lies beside it."""
    UNWRITABLE = "unwritable"
    """It was read, and cannot be written now."""
    UNREADABLE = "unreadable"
    """It cannot be read now, so what it remembers is unknown."""


@dataclass(frozen=True, slots=True)
class JournalState:
    """What a plan has to know of the journal, beside what the journal remembers."""

    health: JournalHealth = JournalHealth.OK
    message: str = ""
    """What is wrong, with the cause; empty where all is well."""
    remedy: str = ""
    unremembered: Recall = Recall.WHOLE
    """What it means that an app is not in the journal."""

    @property
    def text(self) -> str:
        """As it is shown: ``<message>; <remedy>``."""
        return str(Sentence(self.message, self.remedy))

    @property
    def writable(self) -> bool:
        """What happens now can be written down."""
        return self.health in (JournalHealth.OK, JournalHealth.SET_ASIDE)
