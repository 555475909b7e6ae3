"""A whole recon, as its user has it: the installed program, real processes, a directory to edit.

Everything a test starts is ended by ``close``, through pidfds, also when the test failed: first
`recon down`, then whatever still carries the tag of this state directory.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from reconciler.api.client import Client
from reconciler.api.daemon.callbacks import SWITCH
from reconciler.api.errors import ClientError, ControllerLeftError, ControllerNotRunningError
from reconciler.converge.sockets.privatesocket import places as private_places
from reconciler.logs.write.holder_process import name_of
from reconciler.model.host.cgroup import store_directory
from reconciler.observed.host.cgroups import find
from reconciler.observed.processes.fifodirs import fifo_dirs
from reconciler.state.paths import StatePaths, store_id
from tests.waiting import until

PROGRAM = Path(sys.executable).with_name("recon")
_OWN = ("RECON_", "COLUMNS")
"""Variables that change what recon says."""
_NO_CONTROLLER = (ControllerNotRunningError, ControllerLeftError)


class Recon:
    """One manifests directory, one state directory, and at most one controller."""

    def __init__(self, home: Path) -> None:
        self.manifests = home / "manifests"
        self.state = home / "state"
        self.manifests.mkdir()
        self.controller: subprocess.Popen[bytes] | None = None
        self.output = home / "controller.out"
        self.options: list[str] = []
        self.started_by: list[str] = []
        """A command that becomes `recon run`."""
        self.program = PROGRAM
        self.environment = {
            **{k: v for k, v in os.environ.items() if k == SWITCH or not k.startswith(_OWN)},
            "RECON_MANIFESTS": str(self.manifests),
            "RECON_STATE_DIR": str(self.state),
            "NO_COLOR": "1",
        }

    @cached_property
    def fifos(self) -> tuple[str, ...]:
        """Where its FIFOs may lie, the state directory's folder last."""
        state = self.state.resolve()
        return fifo_dirs(state, store_id(StatePaths(state)))

    # -- what a user does ----------------------------------------------------------------------

    def write(self, name: str, text: str) -> Path:
        """Write a manifest (or any file beside it), as an editor would: at once."""
        path = self.manifests / name
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, text)
        return path

    def app(self, name: str, command: str | list[str], **spec: Any) -> Path:
        """Write a manifest of one app, into the file of its name."""
        return self.write(f"{name}.yaml", manifest(name, command, **spec))

    def run(self) -> subprocess.Popen[bytes]:
        """`recon run`, in the foreground of a process of its own; returns when it answers."""
        with self.output.open("ab") as output:
            self.controller = subprocess.Popen(
                [*self.started_by, self.program, "run", *self.options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment,
            )
        controller = self.controller
        until(
            lambda: self.answers() or controller.poll() is not None,
            what="the controller answers",
        )
        assert controller.poll() is None, self.output.read_text()
        return controller

    def answers(self) -> bool:
        """Whether a controller answers now."""
        try:
            return bool(self._ask.status())
        except _NO_CONTROLLER:
            return False

    def cli(
        self, *arguments: str | Path, code: int | None = 0, stdin: str = "", seconds: float = 180
    ) -> str:
        """Run a verb; its output (both streams). Asserts the exit code unless that is None."""
        done = subprocess.run(
            [self.program, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds * (10 if "RECON_VM" in os.environ else 1),
            check=False,
            env=self.environment,
        )
        text = done.stdout + done.stderr
        assert code is None or done.returncode == code, f"exit {done.returncode}:\n{text}"
        assert "Traceback" not in text, text
        return text

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        """Run a verb with `-o json`."""
        return json.loads(self.cli(*arguments, "-o", "json", code=code))

    def status(self) -> dict[str, Any]:
        """What `recon status -o json` prints.

        Where a controller answers it is asked here, by the client that the verb has as well: tests
        look thousands of times, and each start of Python would cost 0.1 s of a processor."""
        try:
            return self._ask.status()
        except _NO_CONTROLLER:
            document: dict[str, Any] = self.json("status", code=None)
            return document

    def describe(self, name: str) -> dict[str, Any]:
        """What `recon describe NAME -o json` prints; asked as ``status`` is."""
        try:
            return self._ask.describe(name)
        except _NO_CONTROLLER:
            document: dict[str, Any] = self.json("describe", name)
            return document

    @property
    def _ask(self) -> Client:
        paths = StatePaths(self.state.resolve())
        return Client(paths.socket, lambda: paths.shared_socket)

    # -- what a test looks at ------------------------------------------------------------------

    def of(self, name: str) -> dict[str, Any]:
        """One app of the status; empty where it is not there."""
        found = [app for app in self.status()["apps"] if app["name"] == name]
        return found[0] if found else {}

    def pids(self, name: str) -> dict[str, int]:
        """Pid by instance name, of the processes that run."""
        return {
            row["name"]: row["pid"]
            for row in self.of(name).get("instances", [])
            if row["pid"] is not None
        }

    def wait(self, name: str, **wanted: Any) -> dict[str, Any]:
        """Until the app's status has these values; the app."""

        def reached() -> dict[str, Any]:
            app = self.of(name)
            return app if all(app.get(key) == value for key, value in wanted.items()) else {}

        try:
            return until(reached, what=f"{name}: {wanted}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(self.of(name), indent=1)}") from None

    def healthy(self, name: str, **wanted: Any) -> dict[str, Any]:
        return self.wait(name, sync="Synced", health="Healthy", **wanted)

    def log(self, name: str, instance: int = 0, stream: str = "out") -> list[str]:
        """All lines that an instance wrote, without their timestamps, oldest first.

        Without the last ones where the file is not made yet, or is being rotated just now."""
        folder = self.state / "logs" / name
        files = [
            *sorted(folder.glob(f"{instance}.{stream}.log.*")),
            folder / f"{instance}.{stream}.log",
        ]
        text = b"".join(_read(file) for file in files)
        return [re.sub(r"^\S+Z ", "", line) for line in text.decode().splitlines()]

    def wrote(self, name: str, *lines: str, instance: int = 0) -> None:
        """Until the instance has written so many lines; asserts that they are these."""
        until(lambda: len(self.log(name, instance)) >= len(lines), what=f"{name} writes {lines}")
        written = self.log(name, instance)
        assert written == list(lines), written

    # -- the end -------------------------------------------------------------------------------

    def kill_controller(self, *, unsaved: bool = False) -> None:
        """kill -9, as the OOM killer would.

        Unless ``unsaved``, all that the status has shown is in the journal by then. It is written a
        moment after a change, and before a question for events is answered."""
        assert self.controller is not None
        if not unsaved:
            with suppress(ClientError):
                list(self._ask.events(limit=1))
        self.controller.kill()
        self.controller.wait()
        self.controller = None

    def kill_started_controller(self) -> None:
        """kill -9 of the controller that `recon apply` started in the background."""
        pid = self.status()["controller"]["pid"]
        descriptor = os.pidfd_open(pid)
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        os.close(descriptor)
        until(lambda: not self.answers(), what="the controller is gone")

    def close(self) -> None:
        if self.controller is not None and self.controller.poll() is None:
            self.controller.terminate()
            try:
                self.controller.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.controller.kill()
                self.controller.wait()
        end(self._is_ours)
        self._remove_cgroups()
        for folder in self.fifos[:-1]:
            shutil.rmtree(folder, ignore_errors=True)
        state = self.state.resolve()
        lock = StatePaths(state).run_lock
        if lock is not None:
            lock.unlink(missing_ok=True)
        for folder in map(str, private_places(state, store_id(StatePaths(state)))):
            shutil.rmtree(folder, ignore_errors=True)
        self._check_for_faults()

    def _check_for_faults(self) -> None:
        """No controller met an error that it did not foresee: what it was at went undone."""
        for log in (self.output, self.state / "recon.log"):
            text = _read(log).decode(errors="replace")
            assert "Traceback" not in text, text[max(0, text.index("Traceback") - 200) :][:4000]

    def _remove_cgroups(self) -> None:
        """Those of processes that were ended here, and not by a controller."""
        home = Path(store_directory(find().base, store_id(StatePaths(self.state.resolve()))))
        for folder in (*home.glob("*"), home):
            if folder.is_dir():
                if folder != home:  # whatever escaped from a test that failed
                    (folder / "cgroup.kill").write_text("1")
                until(partial(_removed, folder), what=f"{folder} is empty")

    def _is_ours(self, pid: int) -> bool:
        environment = _read(f"/proc/{pid}/environ")
        holder = f"memfd:{name_of(store_id(StatePaths(self.state.resolve())))}"  # of any user
        return (
            f"RECON_STATE_DIR={self.state}\0".encode() in environment
            or os.fsencode(self.state) in _read(f"/proc/{pid}/cmdline")
            or any(
                os.fsencode(place) in link
                for link in _links(pid)
                for place in (str(self.state), *self.fifos, holder)
            )
        )


def manifest(name: str, command: str | list[str], **spec: Any) -> str:
    """The text of a manifest of one app."""
    document = {
        "apiVersion": "recon/v1",
        "kind": "App",
        "metadata": {"name": name},
        "spec": {"command": command, **spec},
    }
    return json.dumps(document, indent=2)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def alive(pid: int) -> bool:
    """Whether any thread of the process runs; one that only waits to be reaped does not."""
    try:
        return any(_state(thread) not in "ZX" for thread in Path(f"/proc/{pid}/task").iterdir())
    except OSError:  # it is gone
        return False


def end(is_ours: Callable[[int], bool]) -> None:
    """SIGKILL every process for which ``is_ours`` holds, until there is none."""

    def none_left() -> bool:
        ours = [pid for name in os.listdir("/proc") if name.isdigit() and is_ours(pid := int(name))]
        ours = [pid for pid in ours if pid != os.getpid() and alive(pid)]
        for pid in ours:
            try:
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            if is_ours(pid):  # still the same, now that the descriptor holds it
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            os.close(descriptor)
        return not ours

    until(none_left, what="every process of the test is gone")


def replace(path: Path, content: str | bytes) -> None:
    """Another content at once: nobody ever reads it empty or half, however slow the machine.

    The file keeps its mode. On the way it has a name that neither manifests nor `watch` follow."""
    fresh = path.with_name(f".{path.name}.tmp")
    fresh.write_bytes(content.encode() if isinstance(content, str) else content)
    if path.exists():
        shutil.copymode(path, fresh)
    fresh.rename(path)


def read(path: Path) -> str:
    """What is in a file by now; nothing where it is not made yet."""
    return _read(path).decode()


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _links(pid: int) -> list[bytes]:
    found = []
    for number in ("1", "2"):
        try:
            found.append(os.fsencode(os.readlink(f"/proc/{pid}/fd/{number}")))
        except OSError:
            continue
    return found


def _state(thread: Path) -> str:
    return _read(thread / "stat").rpartition(b")")[2].strip()[:1].decode() or "X"
