"""A machine with recon on it, as its administrator has it: a container (``box``) and its words."""

from __future__ import annotations

import json
from typing import Any

from e2e.box import Box
from e2e.harness import PROGRAM, manifest
from tests.waiting import until

# What a unit file or a script would read as something else, were it not quoted.
MANIFESTS = "/srv/my $HOME 100%h/manifests"
STATE = "/var/lib/state of %n"
PLACE = ("-m", MANIFESTS, "--state-dir", STATE)
PROOF = "/var/proof"
SAYS_WHEN_IT_STOPS = (
    f'trap "kill \\$!; sleep 0.3; echo $0 >> {PROOF}; exit" TERM; sleep 100000 & wait'
)


class Host:
    """What is said and seen there, whichever init system boots it."""

    def __init__(self, box: Box) -> None:
        self.box = box

    def app(self, name: str, command: list[str], **spec: Any) -> None:
        self.write(f"{MANIFESTS}/{name}.yaml", manifest(name, command, **spec))

    def write(self, path: str, text: str) -> None:
        script = 'mkdir -p "$(dirname "$1")"; printf %s "$2" > "$1"'
        self.box("sh", "-c", script, "sh", path, text)

    def recon(self, verb: str, *words: str, code: int | None = 0) -> str:
        place = PLACE[2:] if verb in ("down", "events") else PLACE
        return self.box(PROGRAM, verb, *words, *place, code=code)

    def _instances(self) -> list[dict[str, Any]]:
        apps = json.loads(self.recon("status", "-o", "json"))["apps"]
        return [row for app in apps for row in app["instances"]]

    def pids(self) -> dict[str, int]:
        """Of all instances that run, by name."""
        return {row["name"]: row["pid"] for row in self._instances() if row["pid"] is not None}

    def states(self) -> list[str]:
        return [row["state"] for row in self._instances()]

    def healthy(self, *names: str) -> dict[str, int]:
        """Until these apps, and no others, are well; their pids."""

        def reached() -> bool:
            apps = json.loads(self.recon("status", "-o", "json", code=None))["apps"]
            return {app["name"] for app in apps if app["health"] == "Healthy"} == set(names)

        until(reached, what=f"{names} are healthy")
        return self.pids()
