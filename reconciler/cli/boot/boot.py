"""What a boot unit is made from, whichever init system reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.cli.framework.options import Where

MARK = "Written by `recon startup`"
"""Text in the first lines of each file that recon wrote: it overwrites and removes no other."""


@dataclass(frozen=True, slots=True)
class Boot:
    """One controller that is to be started at boot."""

    program: Sequence[str]
    """How recon is called: absolute paths."""
    place: Where
    user: bool = False
    """By the service manager of the user, not of the system."""
    version: int = 0
    """Of systemd; 0 where it is not known, and nothing new is used."""
    api_group: str | None = None
    """Whose members may look, see `recon run --api-group`."""
    folders: Sequence[str] = ()
    """Directories that PATH needs besides the usual ones, for programs that are found there."""

    @property
    def run(self) -> list[str]:
        place = self.place
        words = [*self.program, "run", "--manifests", str(place.manifests)]
        words += ["--state-dir", str(place.paths.root)]
        words += ["--profile", place.profile] if place.profile else []
        return words + (["--api-group", self.api_group] if self.api_group else [])

    @property
    def down(self) -> list[str]:
        return [*self.program, "down", "--state-dir", str(self.place.paths.root)]


USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What a service finds as PATH where its unit says nothing (systemd.exec(5))."""
