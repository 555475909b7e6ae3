"""A run, as the situations ask for it."""

from __future__ import annotations

from functools import cached_property

from tests.simulate.lives import Life, away, lives
from tests.simulate.run import Outcome
from tests.simulate.wishes import Op, Wish


class Seen:
    """A run, as the situations ask for it."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.events = outcome.events
        """The reasons of all events that were kept."""

    @cached_property
    def lives(self) -> list[Life]:
        return lives(self.outcome.history)

    @cached_property
    def away(self) -> list[tuple[float, float]]:
        return [*away(self.outcome.history)]

    @cached_property
    def kills(self) -> list[float]:
        return [entry.at for entry in self.outcome.history.of("kill")]

    @cached_property
    def happened(self) -> list[str]:
        """The faults that came to be, in words."""
        return [entry.detail for entry in self.outcome.history.of("fault")]

    def killed(self, when: str, *effects: str) -> bool:
        """Whether it was killed ``before`` or ``after`` one of these effects."""
        begins = tuple(f"killed {when} {effect}" for effect in effects)
        return any(text.startswith(begins) for text in self.happened)

    def alive(self, at: float) -> list[Life]:
        return [life for life in self.lives if life.is_alive(at)]

    def is_away(self, at: float) -> bool:
        return any(begin <= at < end for begin, end in self.away)

    def ops(self, what: str, words: str = "") -> list[Op]:
        return [
            op for op in self.outcome.scenario.ops if op.what == what and words in (op.why or words)
        ]

    def wish(self, life: Life) -> Wish | None:
        meant = self.outcome.scenario.meant.get(life.app)
        return meant[0].wish if meant else None

    def during(self, words: str, until: str) -> list[tuple[float, float]]:
        """From each edit with these words to the next of the same app with the others."""
        edits = [*self.outcome.history.of("edit")]
        found = []
        for one in edits:
            if words in one.detail:
                ends = (e.at for e in edits if e.at > one.at and until in e.detail)
                found.append((one.at, next(ends, one.at)))
        return found

    def any_kill(self, spans: list[tuple[float, float]]) -> bool:
        return any(begin < at < end for at in self.kills for begin, end in spans)
