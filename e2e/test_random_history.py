"""Random histories of a real controller: edits, mistakes, crashes, requests, kill -9; all promises.

hypothesis chooses what happens, and makes a history that fails as short as it can. In CI they are
always the same few; `RECON_HISTORIES=100` tries so many new ones.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from e2e.harness import Recon, alive, manifest
from e2e.programs import SLEEP
from reconciler.api.errors import ApiError, ClientError
from reconciler.api.schema.status import Status
from reconciler.state.paths import StatePaths, store_id
from tests.waiting import until

_MANY = os.environ.get("RECON_HISTORIES")
_APPS = st.sampled_from(["a", "b", "c"])
_BROKEN = ("spec: {instances: [", "kind: App\nkind: App\n", "\0", "metadata: {name: a}\n", "{")

_NONSENSE: tuple[Any, ...] = (
    {"odd": 1},
    {"instances": -1},
    {"instances": 1.5, "dryRun": False},
    {"instances": 1, "dryRun": "no"},
    {},
    [],
)


class Histories(RuleBasedStateMachine):
    """One recon, and what its user has declared."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="recon-history-")
        self.recon = Recon(Path(self.folder.name))
        self.good: dict[str, str] = {}
        """The last text of each app's file that was a manifest."""
        self.broken: set[str] = set()
        self.files: dict[str, Path] = {}
        self.restarted: set[str] = set()
        """Apps that may have two of one number and one revision: a restart replaces them so."""
        self.paused: set[str] = set()
        self.job_runs = 0
        self.count = self.recon.manifests.parent / "count"
        self.recon.run()

    # -- what a user does ----------------------------------------------------------------------

    @rule(name=_APPS, version=st.integers(0, 2), instances=st.integers(1, 3))
    def write(self, name: str, version: int, instances: int) -> None:
        text = manifest(
            name,
            SLEEP,
            instances=instances,
            minReadySeconds=0,
            env={"VERSION": str(version)},
            backoff={"initialSeconds": 0.1, "maxSeconds": 0.5, "resetSeconds": 1},
        )
        path = self.files.setdefault(name, self.recon.manifests / f"{name}.yaml")
        self.recon.write(path.name, text)
        self.good[name] = text
        self.broken.discard(name)

    @precondition(lambda self: self.good)
    @rule(name=_APPS, text=st.sampled_from(_BROKEN))
    def make_a_mistake(self, name: str, text: str) -> None:
        """Nothing is stopped because of it."""
        if name not in self.good:
            return
        self.settle()
        before = self.recon.pids(name)
        self.recon.write(self.files[name].name, text)
        self.broken.add(name)
        until(lambda: self._is_reported(name), what=f"the mistake in {name} is reported")
        assert self.recon.pids(name) == before, "a mistake in a file stopped a process"

    @rule(name=_APPS)
    def correct(self, name: str) -> None:
        if name in self.broken:
            self.recon.write(self.files[name].name, self.good[name])
            self.broken.discard(name)

    @rule(name=_APPS)
    def remove(self, name: str) -> None:
        if name in self.good:
            self.files.pop(name).unlink()
            del self.good[name]
            self.broken.discard(name)
            self.paused.discard(name)

    @rule(name=_APPS)
    def rename(self, name: str) -> None:
        """The same app in another file is the same app."""
        if name not in self.good or name in self.broken:
            return
        self.settle()
        before = self.recon.pids(name)
        path = self.files[name]
        self.files[name] = path.with_name(f"x{path.name}")
        path.rename(self.files[name])
        self._act("apply")
        self.settle()
        assert self.recon.pids(name) == before, "a renamed file replaced a process"

    @rule(name=_APPS, instances=st.integers(0, 3))
    def scale(self, name: str, instances: int) -> None:
        self._edit("scale", name, instances=instances)

    @rule(name=_APPS, verb=st.sampled_from(["suspend", "resume"]))
    def suspend(self, name: str, verb: str) -> None:
        self._edit(verb, name)

    @rule(name=_APPS)
    def undo(self, name: str) -> None:
        self._edit("undo", name)

    @rule(name=_APPS)
    def restart(self, name: str) -> None:
        self.restarted.add(name)
        self._act("restart", name)

    @rule(name=_APPS, pause=st.booleans())
    def pause(self, name: str, pause: bool) -> None:
        if self._act("pause" if pause else "unpause", name):
            (self.paused.add if pause else self.paused.discard)(name)

    @rule()
    def run_a_job(self) -> None:
        """Each request is one run, and no kill -9 makes it two."""
        document = {"apiVersion": "recon/v1", "kind": "Job", "metadata": {"name": "job"}}
        spec = {"command": ["sh", "-c", f"echo ran >> {self.count}"]}
        if not self.job_runs:
            self.recon.write("job.yaml", json.dumps({**document, "spec": spec}))
            self.job_runs = 1
        elif self._act("run-job", "job"):
            self.job_runs += 1
        until(lambda: self._ran() >= self.job_runs, what=f"run {self.job_runs} of the Job")

    @rule(name=_APPS, body=st.sampled_from(_NONSENSE))
    def request_nonsense(self, name: str, body: Any) -> None:
        """What is refused changes nothing."""
        before = self._texts()
        try:
            answer = self.recon._ask._ask("POST", f"/v1/apps/{name}/scale", body)
            raise AssertionError(f"accepted: {answer}")
        except ApiError as error:
            assert 400 <= error.status < 500, error
        assert self._texts() == before

    # -- what happens to it --------------------------------------------------------------------

    @rule(name=_APPS)
    def crash(self, name: str) -> None:
        self.settle()
        for pid in list(self.recon.pids(name).values())[:1]:
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                os.close(descriptor)

    @rule(unsaved=st.booleans())
    def kill_the_controller(self, unsaved: bool) -> None:
        self.recon.kill_controller(unsaved=unsaved)
        self.recon.run()

    @rule()
    def settle(self) -> None:
        """Until what is declared runs, and nothing else."""
        with suppress(ApiError):
            self.recon._ask.act("confirm-prune")
        with suppress(ApiError):
            self.recon._ask.act("confirm-load")
        try:
            until(lambda: not self._missing(), what="what is declared runs")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self._missing()}") from None
        self.restarted.clear()

    # -- what holds at any time ----------------------------------------------------------------

    @invariant()
    def never_two_of_one_number(self) -> None:
        tags = Counter(self._tags())
        for (app, instance, hash), count in tags.items():
            allowed = 2 if app in self.restarted else 1
            assert count <= allowed, f"{count} processes of {app}-{instance} at {hash}"

    @invariant()
    def the_status_is_what_the_schema_says(self) -> None:
        Status.model_validate(self.recon.status())

    @invariant()
    def a_job_ran_as_often_as_requested(self) -> None:
        assert self._ran() <= self.job_runs

    @invariant()
    def no_fault_is_logged(self) -> None:
        self.recon._check_for_faults()

    def teardown(self) -> None:
        """The end: all is as declared; after `down` nothing is left."""
        try:
            self.settle()
            pids = [pid for name in self.good for pid in self.recon.pids(name).values()]
            self.recon.cli("down")
            until(lambda: not any(map(alive, pids)), what="down leaves no process")
            until(lambda: not self._tags(), what="nothing with a tag is left")
        finally:
            self.recon.close()
            self.folder.cleanup()

    # -- how that is known ---------------------------------------------------------------------

    def _edit(self, verb: str, name: str, **parameters: Any) -> None:
        """A request that edits the manifest, whose text is then the declared one."""
        self._act("apply")
        if self._act(verb, name, **parameters) and name in self.files:
            self.good[name] = self.files[name].read_text()

    def _act(self, verb: str, name: str | None = None, **parameters: Any) -> bool:
        """Whether it was done; a refusal must be one of the documented ones."""
        try:
            if verb == "apply":
                self.recon._ask.apply()
            else:
                self.recon._ask.act(verb, name, **parameters)
        except ApiError as error:
            assert error.status in (404, 409), f"{verb} {name}: {error}"
            return False
        return True

    def _missing(self) -> list[str]:
        """What is not yet as declared, each a phrase."""
        try:
            found = {app["name"]: app for app in self.recon.status()["apps"]}
        except ClientError as error:
            return [str(error)]
        wrong = [f"{name} is there" for name in found.keys() - self.good.keys() - {"job"}]
        tags = Counter(app for app, _, _ in self._tags())
        for name, text in self.good.items():
            spec = json.loads(text)["spec"]
            wanted = 0 if spec.get("suspend") else spec["instances"]
            if tags[name] != wanted:
                wrong.append(f"{name} has {tags[name]} of {wanted}")
            app = found.get(name, {})
            states = ("Unknown",) if name in self.broken else ("Synced",)
            if name not in self.paused and app.get("sync") not in states:
                wrong.append(f"{name} is {app.get('sync')}: {app.get('message')}")
        return wrong

    def _is_reported(self, name: str) -> bool:
        return any(
            Path(e["file"]).name == self.files[name].name for e in self.recon.status()["errors"]
        )

    def _texts(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.recon.manifests.glob("*.yaml")}

    def _ran(self) -> int:
        return len(self.count.read_text().splitlines()) if self.count.exists() else 0

    def _tags(self) -> list[tuple[str, str, str]]:
        """App, number and hash of each process that leads a session of this store."""
        start = f"{store_id(StatePaths(self.recon.state.resolve()))}/"
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                environ = (folder / "environ").read_bytes().split(b"\0")
                tag = next((v[9:].decode() for v in environ if v.startswith(b"RECON_ID=")), "")
                if tag.startswith(start) and os.getsid(int(folder.name)) == int(folder.name):
                    _, app, instance, hash, _ = tag.split("/")
                    if alive(int(folder.name)) and app != "job":
                        found.append((app, instance, hash))
        return found


Histories.TestCase.settings = settings(
    max_examples=int(_MANY or 5),
    stateful_step_count=50 if _MANY else 25,
    derandomize=not _MANY,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[*HealthCheck],
)
test_random_histories = Histories.TestCase
