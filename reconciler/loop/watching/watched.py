"""What is known of an app that watches files: their content, and the look at them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from reconciler.desired.watched.trees import Scope
from reconciler.desired.watched.treetask import Watching
from reconciler.model.spec.watch import Watch
from reconciler.model.state.desired import Workload
from reconciler.model.state.plan import Condition


@dataclass(slots=True)
class Watched:
    """One app that watches."""

    declared: Workload
    """As its manifest has it."""
    scope: Scope
    content: dict[str, str]
    app: Workload | None
    """As it is with that content; None until it was looked at for the first time."""
    followed: list[float] = field(default_factory=list)
    """When changes were followed, on the loop's clock."""
    timer: asyncio.TimerHandle | None = None
    restless_since: float | None = None
    """Since when it has not been quiet."""
    last: str = ""
    """The path that was heard of last."""
    trouble: Condition | None = None
    folders: frozenset[str] = frozenset()
    """In which something may come to be content."""
    apart: frozenset[str] = frozenset()
    """Files whose folder may not hear of a change."""
    unlisted: set[str] = field(default_factory=set)
    """Paths in which there may be folders that are not watched yet."""
    is_listing: bool = False
    look: asyncio.Future[Any] | None = None
    """The look that is under way."""
    began: float = 0.0
    """When it began, on the loop's clock."""
    at_once: bool = False
    """It was asked for: what it finds is followed, settled or not."""
    again: bool = False
    """Another one was asked for meanwhile."""
    not_before: float = 0.0
    """When it may be looked at again, after a look that failed."""
    followed_look: int = 0
    """The number of the look whose content is the app's."""
    folders_of: int = 0
    """The number of the look that told its folders."""

    is_over: bool = False
    """The watch was removed or changed: the result has no receiver."""

    @property
    def name(self) -> str:
        return self.declared.name

    @property
    def watch(self) -> Watch:
        watch = self.declared.spec.watch
        assert watch is not None
        return watch

    @property
    def watching(self) -> Watching:
        """What a worker is asked to look at."""
        return Watching(self.watch.paths, self.watch.ignore, self.declared.spec.cwd)

    @property
    def is_idle(self) -> bool:
        """Whether no look is under way or due."""
        return self.timer is None and self.look is None

    def watches_like(self, other: Workload) -> bool:
        """Whether that is the same."""
        spec, its = self.declared.spec, other.spec
        return spec.watch == its.watch and spec.cwd == its.cwd

    def end(self) -> None:
        self.is_over = True
        if self.timer is not None:
            self.timer.cancel()
        if self.look is not None:
            self.look.cancel()
