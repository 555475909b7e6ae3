"""The controller as a program, with its window: what `recon run` becomes.

Signals: SIGTERM leaves the apps running (that is how recon is upgraded), except as PID 1 of a
container, whose processes would die with it; Ctrl-C on a terminal stops them gracefully, as
`docker compose up` does, and a second Ctrl-C leaves at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import getopt
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path

from reconciler.api.daemon import banner, held
from reconciler.api.daemon.announce import Announcer
from reconciler.api.daemon.banner import say
from reconciler.api.daemon.callbacks import Callbacks
from reconciler.api.daemon.endpoints import Endpoints, unlink
from reconciler.api.daemon.leanness import Leanness
from reconciler.api.daemon.service import STOPPED, Service
from reconciler.api.server.access import Access, group_id
from reconciler.api.server.routes import application
from reconciler.api.server.server import Server
from reconciler.checks.redact import guard
from reconciler.converge.isolation import coredump, inherited_state, oomscore
from reconciler.converge.process import descriptors, forkserver, helper
from reconciler.loop.controller import Controller, Options
from reconciler.model.state.event import Event
from reconciler.model.state.reason import EventReason
from reconciler.observed.processes.exits import reap_strangers
from reconciler.state.lock import LockHeldError, acquire_all
from reconciler.state.paths import (
    NO_ROOM,
    StatePaths,
    prepare,
    prepare_run,
    prepare_shared,
    state_paths,
)
from reconciler.system import first_process, sd_notify

_OPTIONS = (
    *("manifests=", "state-dir=", "profile=", "api-group="),
    "down",  # stop everything, then exit
    "confirm-load",  # confirm all instances declared now
    "held",  # wait for a line on standard input
)
# Seconds that the first answer waits for a look at what apps watch.
_FIRST_LOOK = 2.0
_RARELY, _AFTER = 5_000, 20
"""New objects between two collections, and collections of the young between two of older ones:
Python's own 700 and 10 are a hundredth of what a thousand new apps take."""


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal or `recon down` ends it. Exit code 1 where another controller has the
    state directory.

    Exit code ``STOPPED`` tells a service manager that everything was stopped on request, so that
    it leaves it so; elsewhere that is 0.
    """
    given = _arguments(arguments)
    options, group = _options(given)
    paths = options.paths
    try:
        if "held" in given and not held.wait(paths.controller_log):
            return 0
        access = Access(None if group is None else group_id(group))
        prepare_run(paths)
        lacking = _prepare_state(paths)
        if group is not None or lacking:
            prepare_shared(paths)
        first_process.note()
        inherited_state.prepare()
        coredump.prepare()
        locks = acquire_all(paths.run_lock, paths.lock)
        descriptors.prepare(keep=locks[-1])
        oomscore.prepare()
        forkserver.prepare(keep=locks)
    except ValueError as error:
        print(f"recon: --api-group: {error}", file=sys.stderr)
        return 1
    except LockHeldError as error:
        print(f"recon: {error}; `recon status` shows what it does", file=sys.stderr)
        return 1
    except OSError as error:
        hint = "use --state-dir to choose another place"
        print(f"recon: the state directory {paths.root}: {error.strerror}; {hint}", file=sys.stderr)
        return 1
    stopped = False
    callbacks = Callbacks()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            stopped = asyncio.run(_run(options, access, locks, lacking, callbacks))
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        print(f"recon: {_too_few_files(error)}", file=sys.stderr)
        return 1
    return STOPPED if stopped and sd_notify.is_heard() and not options.down else 0


def _too_few_files(error: OSError) -> str:
    """A controller that cannot hold what runs ends, and stops nothing: a sentence."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    remedy = "raise the limit of open files (LimitNOFILE= in a unit) and start recon again"
    message = f"what runs cannot be taken over: {error.strerror} (ulimit -Hn is {most})"
    return f"{message}; {remedy}. Apps keep running, unsupervised"


def _prepare_state(paths: StatePaths) -> str:
    """Make the state directory; why it cannot be written, a sentence, where apps are run
    nevertheless. OSError where it is not to be trusted, or where even root has no other place."""
    why = ""
    try:
        prepare(paths)
        descriptor, probe = tempfile.mkstemp(prefix=".room-", dir=paths.root)
        os.close(descriptor)
        os.unlink(probe)
    except OSError as error:
        if error.errno not in NO_ROOM or os.geteuid() != 0:
            raise
        why = f"the state directory {paths.root} cannot be written: {error.strerror}"
        print(f"recon: {why}; apps run, but recon keeps no history and no logs", file=sys.stderr)
    return why


async def _run(
    options: Options, access: Access, locks: list[int], lacking: str, callbacks: Callbacks
) -> bool:
    """Run the controller; return whether everything was stopped. ``lacking``: why nothing can be
    written to the state directory."""
    loop = asyncio.get_running_loop()
    controller = Controller(options, loop)
    guard(controller.redact)
    server = Server(application(controller), access)
    service = Service(controller, loop)
    _handle_signals(loop, controller, server, service)
    if not await _started(controller, server):
        controller.close()
        return False
    await controller.looked(_FIRST_LOOK)
    if options.confirm_load:  # and of what had to be looked at first
        controller.requests.admit(confirm=True)
    endpoints = Endpoints(options.paths, access, locks, server)
    controller.net.upkeep += [endpoints.keep, Leanness().keep]
    listeners = endpoints.open()
    if lacking:
        controller.history.record(Event("", EventReason.STATE_UNWRITABLE, lacking, "Warning"))
    banner.show(controller)
    if first_process.is_first() or sys.stdout.isatty():  # the logs of a container, or a terminal
        controller.history.listen(Announcer(say).event)
    # What is loaded now stays; the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_RARELY, _AFTER, _AFTER)
    service.ready()
    loop.call_soon(callbacks.loaded)
    leaver = loop.create_task(_leave_when_stopped(controller, server))
    try:
        await server.serve(*listeners)
    finally:
        leaver.cancel()
        service.leaving()
        controller.close()
        if controller.stopped.is_set():
            paths = options.paths
            unlink(*filter(None, (paths.socket, paths.shared_socket, paths.run_lock)))
    return controller.stopped.is_set()


async def _started(controller: Controller, server: Server) -> bool:
    """Start the controller; False where it is ended before everything is loaded."""
    starting = asyncio.ensure_future(controller.start())
    leaving = asyncio.ensure_future(server.left())
    await asyncio.wait((starting, leaving), return_when=asyncio.FIRST_COMPLETED)
    leaving.cancel()
    if starting.cancel():
        return False
    starting.result()
    return True


async def _leave_when_stopped(controller: Controller, server: Server) -> None:
    await controller.stopped.wait()
    say("all apps are stopped")
    server.leave()


def _handle_signals(
    loop: asyncio.AbstractEventLoop, controller: Controller, server: Server, service: Service
) -> None:
    first = first_process.is_first()

    def down() -> None:
        if controller.leaving:
            server.leave()
            return
        say("stopping all apps; press Ctrl-C again to exit now and leave the rest running")
        controller.down()

    loop.add_signal_handler(signal.SIGTERM, down if first else server.leave)
    # A controller in the background has no terminal: there SIGINT is only another way to leave.
    terminal = sys.stdin is not None and sys.stdin.isatty()
    loop.add_signal_handler(signal.SIGINT, down if first or terminal else server.leave)
    # The terminal was closed; without a terminal SIGHUP means by custom: read the files again.
    loop.add_signal_handler(signal.SIGHUP, server.leave if terminal else service.reload)
    if first:
        loop.add_signal_handler(signal.SIGCHLD, reap_strangers, helper.awaited())
    if first_process.is_noted():  # it came before its handler
        loop.call_soon(down)


def _arguments(arguments: list[str] | None) -> dict[str, str]:
    """The options by name. ``recon run`` writes them: argparse is for people, and 0.3 MiB."""
    try:
        found, rest = getopt.getopt(sys.argv[1:] if arguments is None else arguments, "", _OPTIONS)
    except getopt.GetoptError as error:
        sys.exit(f"recon: {error}")
    if rest:
        sys.exit(f"recon: there is an argument too many: {rest[0]}")
    return {name.removeprefix("--"): value for name, value in found}


def _options(given: dict[str, str]) -> tuple[Options, str | None]:
    paths: StatePaths = state_paths(given.get("state-dir"))
    manifests = Path(given.get("manifests", "manifests")).absolute()
    options = Options(
        manifests, paths, given.get("profile"), "down" in given, "confirm-load" in given
    )
    return options, given.get("api-group", os.environ.get("RECON_API_GROUP")) or None
