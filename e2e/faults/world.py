"""One state directory, some apps, and controllers that are killed one after the other.

A life: a controller is started, something happens (``declared.edit``), and SIGKILL ends it at one
of its effects, or, where it came to rest before, from outside. Whatever it left, the next one takes
over. What must hold is looked at while it happens (``registrar``, ``load``), whenever a life comes
to rest (the end state is what is declared), and at the end (logs, and what is left over).
"""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from e2e.faults import leftovers, lines
from e2e.faults.controllers import Controllers, Life
from e2e.faults.declared import App, Declared, Edit, apps, edit
from e2e.faults.failpoints import Plan
from e2e.faults.load import Load
from e2e.faults.points import Points
from e2e.faults.registrar import Key, Registrar, difference
from e2e.faults.zygote import Zygote
from e2e.harness import Recon
from reconciler.api.client import Client
from reconciler.api.errors import ClientError
from reconciler.state.paths import StatePaths
from tests.ports import ports
from tests.waiting import SLOWNESS

_SETTLES = 60.0 * SLOWNESS
"""Seconds within which all is as declared."""
_REST = 10
"""Each so many lives one comes to rest before it is ended."""
_EARLY, _AT_ONCE = 0.3, 0.65
"""The share of edits made while no controller runs, and up to where they are made at once."""


class FaultError(AssertionError):
    """Something that must not be; names the life."""


@dataclass
class Result:
    """What a run of lives has shown."""

    points: Points
    crashes: int = 0
    """Ends at a point of the code."""
    outside: int = 0
    """Ends from outside, after all was as declared."""
    rests: int = 0
    starts: int = 0
    requests: int = 0
    lines: int = 0
    cut: int = 0
    """Ends of programs whose last lines no controller lived to read."""
    slowest: float = 0.0
    """Seconds until a controller answered, the longest."""


@dataclass
class World:
    """``group``: the number of this world and how many there are (they share the points)."""

    seed: int
    group: tuple[int, int]
    home: Path
    story: list[str] = field(default_factory=list)

    def run(self, crashes: int) -> Result:
        """So many lives; FaultError with a line that repeats it where something is wrong."""
        self.result = Result(Points(self.group))
        with self._begun():
            number = 0
            try:
                for number in range(1, crashes + 1):
                    self._live(number)
                self._finish()
            except AssertionError as error:
                group = "/".join(map(str, self.group))
                again = f"--seed {self.seed} --group {group} --crashes {number}"
                story = "\n".join(self.story[-8:])
                message = f"{error}\nagain: python -m e2e.faults {again}\n{story}"
                raise FaultError(f"{message}\n{self._view()}") from None
        return self.result

    @contextlib.contextmanager
    def _begun(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            self.recon = Recon(self.home)
            stack.callback(self.recon.close)
            self.paths = StatePaths(self.recon.state.resolve())
            self.client = Client(self.paths.socket, lambda: self.paths.shared_socket)
            self.port = stack.enter_context(ports())
            self.declared = Declared(apps(self.home, self.port))
            name = f"recon-faults-{os.getpid()}-{self.group[0]}"
            self.registrar = Registrar(name, self.declared)
            stack.callback(self.registrar.close)
            stack.callback(self.registrar.kill_all)
            self.declared.write(self.recon.manifests, f"@{name}")
            self.zygote = Zygote(
                {k: v for k, v in os.environ.items() if not k.startswith("RECON_")}
            )
            stack.callback(self.zygote.close)
            self.controllers = Controllers(
                self.recon, self.zygote, self.home / "notes", self.client
            )
            stack.callback(self.controllers.kill)
            self.load: Load | None = None
            stack.callback(self._unload)
            yield

    def _unload(self) -> None:
        if self.load is not None:
            self.load.close()

    # -- a life ------------------------------------------------------------------------------------

    def _live(self, number: int) -> None:
        dice = random.Random(f"{self.seed}/{self.group}/{number}")
        happens = edit(self.declared, dice)
        rests = number % _REST == 0
        plan = Plan() if rests else self.result.points.plan(number, dice)
        when, delay = dice.random(), dice.random() * 0.2
        self.story.append(f"{number}: {happens.what}")
        if when < _EARLY:
            self._happen(happens)
        life = self.controllers.begin(plan)
        if when >= _EARLY and life.runs:
            if when > _AT_ONCE:
                self.controllers.wait(delay)
            self._happen(happens)
        self._rest(life)
        if life.runs:
            self.controllers.kill()
            self.result.outside += 1
        else:
            self.result.crashes += 1
        ended = self.result.points.read(self.controllers.notes)
        self.story[-1] += f"; {ended or 'ended from outside'}"
        self._check()

    def _happen(self, happens: Edit) -> None:
        if happens.apps:
            self.declared = self.declared.edited(*happens.apps)
            self.registrar.declare(self.declared)
            names = {app.name for app in happens.apps}
            self.declared.write(self.recon.manifests, f"@{self.registrar.name}", names)
        if happens.raised is not None:
            self._raise(happens.raised)
        if happens.helper:
            self.controllers.kill_helper(self.registrar.pids())
        for name in happens.kills:
            app = self.declared.apps[name]
            if app.wanted:
                self.registrar.kill(Key(name, app.wanted - 1, app.version))

    def _raise(self, app: App) -> None:
        """One more instance, by the API: its file is the old one or the new one afterwards."""
        self.registrar.declare(self.declared.edited(app))
        with contextlib.suppress(ClientError):  # the controller ended meanwhile, or none runs
            self.client.act("scale", app.name, instances=app.instances)
        self.declared = self.declared.read(self.recon.manifests, app.name)
        self.registrar.declare(self.declared)

    def _rest(self, life: Life) -> None:
        """Until all is as declared, or the life has ended."""
        deadline = time.monotonic() + _SETTLES
        while self.controllers.look(life):
            if not (why := self._differs()):
                self.result.rests += 1
                self.declared = self.declared.settled()
                self.registrar.declare(self.declared)
                if self.load is None:
                    self.load = Load(self.port, str(self.home / "web.s"))
                return
            assert time.monotonic() < deadline, f"not as declared: {why}"
            assert not self.registrar.faults, self.registrar.faults
            self.controllers.wait(0.01)

    def _differs(self) -> str:
        """In what the processes, or what the controller says of them, differ from what is
        declared; empty where they do not."""
        wanted = [
            Key(app.name, number, app.version)
            for app in self.declared.apps.values()
            for number in range(app.wanted)
        ]
        if found := difference(self.registrar.running(), wanted):
            return found
        for app in self.declared.apps.values():
            if app.is_job and not app.is_once and not self.registrar.was_run(app.name, app.version):
                return f"{app.name} was not run"
        try:
            rows = {row["name"]: row for row in self.client.status()["apps"]}
        except ClientError as error:
            return str(error)
        faults = (_differs(app, rows.get(app.name)) for app in self.declared.apps.values())
        return "; ".join(filter(None, faults))

    # -- what must hold ----------------------------------------------------------------------------

    def _check(self) -> None:
        """After each life."""
        assert not self.registrar.faults, self.registrar.faults
        if self.load is not None:
            assert not self.load.faults, self.load.faults
        self.controllers.check()
        leftovers.helpers_are_gone(self.zygote, self.registrar.pids(), self.paths)

    def _finish(self) -> None:
        """All as declared once more; then everything is stopped, and nothing may be left."""
        self.story.append("the end")
        life = self.controllers.begin(Plan())
        self._rest(life)
        assert life.runs and self.load is not None, "the last controller ended by itself"
        self.load.close()
        self.registrar.declare(self.declared.stopped())
        self.client.down()
        self.controllers.leave(life)
        self._check()
        assert not self.registrar.pids(), f"still running: {self.registrar.running()}"
        left = leftovers.files(self.recon, self.paths, self.home / "web.s")
        assert not left, f"left over: {left}"
        runs, result = self.registrar.runs(), self.result
        unread = {one.nonce for one in runs if not self.controllers.read(one.ended)}
        verdict = lines.judge(self.paths.logs, runs, unread)
        assert not verdict.faults, "\n".join(verdict.faults[:20])
        result.lines, result.cut = verdict.lines, verdict.cut
        result.starts, result.requests = self.registrar.starts, self.load.answered
        result.slowest = self.controllers.slowest

    def _view(self) -> str:
        """How things stood, for a person."""
        with contextlib.suppress(ClientError):
            rows = self.client.status()["apps"]
            return "\n".join(f"{r['name']}: {r['sync']} {r['health']} {r['message']}" for r in rows)
        return self.controllers.output()[-1500:]


def _differs(app: App, row: dict[str, str] | None) -> str:
    """In what a controller's row differs from what is declared of an app."""
    if app.removed:
        return f"{app.name} is still there" if row is not None else ""
    if row is None:
        return f"{app.name} is not there"
    if row["sync"] != "Synced":
        return f"{app.name}: {row['sync']}, {row['message']}"
    if not app.is_job and row["health"] not in ("Healthy", "Suspended"):
        return f"{app.name}: {row['health']}, {row['message']}"
    return ""


def run(seed: int, group: tuple[int, int], crashes: int) -> Result:
    """A world in a folder of its own, which is removed."""
    with tempfile.TemporaryDirectory(prefix="recon-faults-") as folder:
        return World(seed, group, Path(folder)).run(crashes)
