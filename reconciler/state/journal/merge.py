"""What the journal remembers of an app, joined with what happened before it could be read."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.state.memory import AppMemory, Outcome, Recall, Run


def merged(loaded: AppMemory | None, since: AppMemory) -> AppMemory:
    """What the journal remembers, and what has happened before it could be read."""
    if loaded is None:
        return replace(since, recall=Recall.WHOLE)
    restarts = {
        number: loaded.restarts.get(number, 0) + since.restarts.get(number, 0)
        for number in {*loaded.restarts, *since.restarts}
    }
    return replace(
        loaded,
        ended={**loaded.ended, **since.ended},
        evictions={**loaded.evictions, **since.evictions},
        restarts=restarts,
        restart_requested_at=since.restart_requested_at or loaded.restart_requested_at,
        begun=loaded.begun or since.begun,
        paused=loaded.paused or since.paused,
        runs=tuple(_merged_run(run, since.runs) for run in loaded.runs),
    )


def _merged_run(run: Run, since: tuple[Run, ...]) -> Run:
    """A run, with how a process of it ended while the rest was unknown."""
    seen = next((one for one in since if one.number == run.number), None)
    if seen is None or not (seen.failures or seen.outcome is not Outcome.ACTIVE):
        return run
    return replace(
        seen,
        why=run.why,
        created_at=run.created_at,
        due_at=run.due_at,
        failures=run.failures + seen.failures,
    )
