"""One app of an ecosystem file, with what is known of its program: what decisions are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.convert.pm2.keys.command import Run
from reconciler.convert.pm2.sources import Sources


@dataclass(frozen=True, slots=True)
class Given:
    """What PM2 would have looked at, and what it did not have to."""

    conf: Mapping[str, Any]
    """By canonical keys."""
    run: Run
    known: Mapping[str, Any]
    """Variables that the program gets, from files too."""
    sources: Sources

    @property
    def is_cluster(self) -> bool:
        """PM2: ``determineExecMode``."""
        mode = self.conf.get("exec_mode")
        if isinstance(mode, str) and mode:
            return mode.startswith("cluster") and self.conf.get("execute_command") is not True
        return self.run.by_node and self.conf.get("instances") is not None
