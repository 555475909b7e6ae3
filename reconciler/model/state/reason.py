"""Why an event was recorded: one word for machines. A contract: it never changes, and is never
removed, since journals hold them. New ones may come; `docs/events.md` lists them all."""

from __future__ import annotations

from enum import StrEnum


class EventReason(StrEnum):
    """Kubernetes' words where it has the concept."""

    STARTED = "Started"
    KILLING = "Killing"
    STOPPED = "Stopped"
    EXITED = "Exited"
    OOM_KILLED = "OOMKilled"
    LEFT_BEHIND = "LeftBehind"
    BACK_OFF = "BackOff"
    COMPLETED = "Completed"
    UNHEALTHY = "Unhealthy"
    FAILED_CREATE = "FailedCreate"
    FAILED_SYNC = "FailedSync"
    FAILED_LIMITS = "FailedLimits"
    LIMITS_ADJUSTED = "LimitsAdjusted"
    FAILED_PRE_STOP_HOOK = "FailedPreStopHook"
    PROCESS_LIMIT_REACHED = "ProcessLimitReached"
    MEMORY_LIMIT_EXCEEDED = "MemoryLimitExceeded"
    MEMORY_LEAK_SUSPECTED = "MemoryLeakSuspected"
    MEMORY_STEADY = "MemorySteady"
    CPU_SATURATED = "CpuSaturated"
    CPU_RELIEVED = "CpuRelieved"
    ROLLOUT_COMPLETE = "RolloutComplete"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    PORT_CONFLICT = "PortConflict"
    BUILD_FAILED = "BuildFailed"
    CANARY_PASSED = "CanaryPassed"
    CANARY_FAILED = "CanaryFailed"
    CANARY_PROMOTED = "CanaryPromoted"
    ROLLOUT_ABORTED = "RolloutAborted"
    DEPLOYMENT_PAUSED = "DeploymentPaused"
    DEPLOYMENT_RESUMED = "DeploymentResumed"
    RESTART_REQUESTED = "RestartRequested"
    RUN_REQUESTED = "RunRequested"
    MISS_SCHEDULE = "MissSchedule"
    JOB_ALREADY_ACTIVE = "JobAlreadyActive"
    BACKOFF_LIMIT_EXCEEDED = "BackoffLimitExceeded"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    REPLACED = "Replaced"
    SUPERSEDED = "Superseded"
    PRUNED = "Pruned"
    LOAD_HELD = "LoadHeld"
    LOAD_CONFIRMED = "LoadConfirmed"
    CONTENT_CHANGED = "ContentChanged"
    WATCH_LOOP = "WatchLoop"
    WATCH_FAILED = "WatchFailed"
    WATCH_RESTLESS = "WatchRestless"
    MANIFEST_INVALID = "ManifestInvalid"
    MANIFEST_VALID = "ManifestValid"
    MANIFEST_CHANGED = "ManifestChanged"
    APPLY_REQUESTED = "ApplyRequested"
    DOWN_REQUESTED = "DownRequested"
    SHARED_MANIFESTS = "SharedManifests"
    CONTROLLER_STARTED = "ControllerStarted"
    CONTROLLER_STOPPED = "ControllerStopped"
    FAILED_RELIST = "FailedRelist"
    FAILED_SAMPLING = "FailedSampling"
    WITNESS_CONFLICT = "WitnessConflict"
    NOTIFY_UNAVAILABLE = "NotifyUnavailable"
    STATE_UNWRITABLE = "StateUnwritable"
    STATE_REMOVED = "StateRemoved"
    JOURNAL_UNAVAILABLE = "JournalUnavailable"
    JOURNAL_RECOVERED = "JournalRecovered"
    JOURNAL_SET_ASIDE = "JournalSetAside"
    JOURNAL_RENEWED = "JournalRenewed"
    JOURNAL_ROW_DROPPED = "JournalRowDropped"
    LOGS_DROPPED = "LogsDropped"
    LOGS_RECOVERED = "LogsRecovered"
    NOTIFICATION_FAILED = "NotificationFailed"
    NOTIFICATION_GIVEN_UP = "NotificationGivenUp"
    NOTIFICATION_RECOVERED = "NotificationRecovered"
    NOTIFICATIONS_DROPPED = "NotificationsDropped"
    NOTIFIER_FAILED = "NotifierFailed"
    EVENTS_LOST = "EventsLost"
    EVENTS_LEFT_OUT = "EventsLeftOut"


OF_NOTIFICATIONS = frozenset(
    {
        EventReason.NOTIFICATION_FAILED.value,
        EventReason.NOTIFICATION_GIVEN_UP.value,
        EventReason.NOTIFICATION_RECOVERED.value,
        EventReason.NOTIFICATIONS_DROPPED.value,
        EventReason.NOTIFIER_FAILED.value,
        EventReason.EVENTS_LOST.value,
        EventReason.EVENTS_LEFT_OUT.value,
    }
)
"""No notification is sent of these: they are about sending, or about one reader of events."""
