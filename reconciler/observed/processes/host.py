"""The processes of the apps on this host: which run, when they exit, and signals to them.

Two sources that cover for each other (design.md#observing): a pidfd for each main process tells its
end at once; the relist of ``/proc`` finds the rest. Guarantees:

- a process is (pid, start); it is signalled only through a pidfd whose identity was checked;
- the exit of a main process is told exactly once, by ``on_exit``; what it leaves behind is known
  by then, and ``on_gone`` says when the last process of the nonce has gone;
- once a main process has ended, nothing that it left behind is ever taken for one;
- trouble of our own (out of files) raises OSError and never passes for a process that is gone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.model.host.procstat import ProcStat
from reconciler.model.state.observed import Exit, Process, ProcessId, RunState, Tag
from reconciler.observed.host.samples import Sample
from reconciler.observed.processes import exits, lineage, pidfds, states
from reconciler.observed.processes.classify import classify
from reconciler.observed.processes.credibility import Credibility, UserOf, unknown
from reconciler.observed.processes.descent import Descent
from reconciler.observed.processes.fifodirs import fifo_dirs
from reconciler.observed.processes.identity import JournalWitness, NonceWitness, Witnesses
from reconciler.observed.processes.new_pids import NewPids
from reconciler.observed.processes.table import Group, Table
from reconciler.system import procfs
from reconciler.system.clock import ticks_to_seconds
from reconciler.system.poller import Poller

if TYPE_CHECKING:  # a look without a controller has no loop
    import asyncio


class Found(NamedTuple):
    """The result of a relist: new processes, and faults that were not reported before."""

    adopted: tuple[Process, ...]
    faults: tuple[str, ...]
    ended: tuple[Process, ...] = ()
    """Main processes that ended unseen, and left others behind (``leftovers``)."""


class Host:
    """The processes of one store. Without a ``loop`` it is good for one look (``snapshot``).

    ``on_exit(process, exit)``: a main process ended; ``leftovers`` and ``signal_all`` still
    know what it left behind. ``on_gone(tag)``: the last process of the nonce has gone.
    ``recorded(nonce)``: whose it was, as an earlier controller wrote it down; ``main_of(nonce)``:
    which was the main process.
    ``cgroups`` is ``CgroupFacts.path``, ``cgroup_members`` who is in an instance's cgroup now.
    """

    def __init__(
        self,
        store: str,
        state_dir: Path,
        loop: asyncio.AbstractEventLoop | None,
        *,
        journal: JournalWitness,
        recorded: NonceWitness = lambda nonce: None,
        main_of: Callable[[str], ProcessId | None] = lambda nonce: None,
        on_exit: Callable[[Process, Exit], None] = lambda process, exit: None,
        on_gone: Callable[[Tag], None] = lambda tag: None,
        user_of: UserOf = unknown,
        proc: str = procfs.PROC,
        cgroups: str = "",
        cgroup_members: Callable[[Tag], Iterable[int]] = lambda tag: (),
    ) -> None:
        self._poller = Poller(loop) if loop is not None else None
        self._on_end = self._main_ended  # one method for all of them
        self._on_exit = on_exit
        self._on_gone = on_gone
        self._proc = proc
        self._table = Table()
        self._new_pids = NewPids(proc)
        self._descent = Descent(self._new_pids.is_seen, self._is_member, proc)
        fifos = fifo_dirs(state_dir, store)
        self._credibility = Credibility(fifos, user_of, proc)
        self._witnesses = Witnesses(
            store,
            fifos,
            journal,
            self._table.session,
            self._credibility,
            proc,
            cgroups,
            self._of_nonce,
        )
        self._recorded = recorded
        self._main_of = main_of
        self._cgroup_members = cgroup_members
        self._faults: dict[int, str] = {}
        self._new_faults: list[str] = []
        self._new_ended: list[Process] = []

    # -- what is known -------------------------------------------------------------------------

    def processes(self, app: str | None = None) -> tuple[Process, ...]:
        """The main processes that run: of one app, or all."""
        return tuple(group.process for group in self._table.running(app))

    def apps(self) -> set[str]:
        """Names of the apps that have one."""
        return self._table.apps()

    def get(self, nonce: str) -> Process | None:
        """The main process; None once it has ended."""
        group = self._running(nonce)
        return group.process if group else None

    def pidfd(self, nonce: str) -> int | None:
        """Of the main process; it stays the host's, and is valid until ``on_exit``."""
        group = self._running(nonce)
        return group.pidfd if group and group.pidfd >= 0 else None

    def nonce_of(self, pid: int) -> str | None:
        """The nonce of a process of ours, main or other; looks where it is not known yet."""
        member = self._table.member(pid)
        if member is None:
            try:
                self._examine([pid], adopt=False)
            except OSError:  # out of files: it is not known, then
                return None
            member = self._table.member(pid)
        return member[1].process.tag.nonce if member is not None else None

    def members(self, nonce: str) -> tuple[ProcessId, ...]:
        """Every process of an instance that runs, the main one first, also the latest."""
        group = self._running(nonce)
        if group is None:
            return ()
        self._look_at_latest(group)
        return (group.process.id, *group.others)

    def tag_of(self, nonce: str) -> Tag | None:
        """The tag of these processes, while one of them lives."""
        group = self._table.get(nonce)
        return group.process.tag if group is not None else None

    def leftovers(self, nonce: str) -> tuple[ProcessId, ...]:
        """What a main process that has ended left behind."""
        group = self._table.get(nonce)
        return tuple(group.others) if group and group.ended else ()

    @property
    def faults(self) -> tuple[str, ...]:
        """Sentences on processes that live, about which the witnesses do not agree."""
        return tuple(self._faults.values())

    def trust(self, uids: Iterable[int]) -> bool:
        """Apps are started as these users. True: a process that was passed over may be ours, so
        that a full relist is called for."""
        return self._credibility.trust(uids)

    @property
    def doubted(self) -> bool:
        """Some process was not believed, because of the user that started it."""
        return bool(self._credibility.doubted)

    def update(self, nonce: str, **changes: Any) -> None:
        """Change fields of a process's record (``ready``, ``state``, …); none where it ended."""
        group = self._running(nonce)
        if group is not None:
            self._table.update(group, changes)

    def follow(self, fd: int, call: Callable[[], None]) -> None:
        """``call`` when a descriptor is readable, in order with the ends of processes."""
        assert self._poller is not None
        self._poller.watch(fd, call)

    def unfollow(self, fd: int) -> None:
        """To be called before the descriptor is closed."""
        assert self._poller is not None
        self._poller.forget(fd)

    # -- who comes -----------------------------------------------------------------------------

    def register(self, process: Process, pidfd: int, user: int | None = None) -> None:
        """A process that we have just started, as ``user`` where that is another than ours. The
        pidfd is the host's from now on."""
        self._new_pids.add(process.id.pid)
        if user is not None:
            self._credibility.trust([user])
        exits.keep(process.id.pid)
        self._enter(Group(process, pidfd))

    def relist(self, full: bool = False, *, turn: bool = False) -> Found:
        """Look through ``/proc``: at new pids, or with ``full`` at all, since pids are reused.

        With ``turn`` also at a part of those that were seen before; all of them have had their
        turn after ``TURNS``, so that ten thousand foreign ones are not looked at at once. A main
        process needs none: its pidfd tells its end, and until then its pid is its own.
        OSError where we are out of files: nothing is forgotten then, all is looked at again.
        """
        exits.reap_traced()
        try:
            listing = self._new_pids.listing()
            for pid in listing.vanished:
                self._vanished(pid)
            again = self._new_pids.present() if full else self._turn() if turn else []
            adopted = self._examine(sorted({*listing.new, *again}))
        except OSError:
            self._new_pids.reset()
            raise
        faults, self._new_faults = tuple(self._new_faults), []
        ended, self._new_ended = tuple(self._new_ended), []
        return Found(tuple(adopted), faults, ended)

    def _turn(self) -> list[int]:
        return [pid for pid in self._new_pids.turn() if not self._table.is_held(pid)]

    def _examine(self, pids: Iterable[int], adopt: bool = True) -> list[Process]:
        """Find out whose these processes are; the new main ones are returned.

        Without ``adopt`` only processes of a known nonce are taken in, the rest is left to the
        next relist, whose caller wants to hear of them.
        """
        found = classify(pids, self._table, self._witnesses)
        for pid in found.reused:
            self._vanished(pid)
        for pid in found.starting:
            self._new_pids.discard(pid)
        for pid, fault in found.faults.items():
            self._note_fault(pid, fault)
        adopted = []
        for nonce, members in found.claimed.items():
            if adopt or self._table.get(nonce) is not None:
                adopted += self._take_in(nonce, members)
            else:
                for stat, _ in members:
                    self._new_pids.discard(stat.pid)
        for stat in found.nobodys:  # the main process may have been found after it
            tag = self._table.session(stat.session) or self._witnesses.by_lineage(stat.pid)
            if tag is not None:
                self._take_in(tag.nonce, [(stat, tag)])
        return adopted

    def _take_in(self, nonce: str, members: list[tuple[ProcStat, Tag]]) -> list[Process]:
        """Processes of one nonce: the main one, unless it is known, and the others."""
        adopted = []
        main = self._main_of(nonce) if self._table.get(nonce) is None else None
        if self._table.get(nonce) is None:
            members.sort(key=lambda member: self._is_child(member[0], nonce, main))
        for stat, tag in members:
            self._descent.below(stat.ppid)
            id = ProcessId(stat.pid, stat.start)
            group = self._table.get(nonce)
            if group is None and self._is_child(stat, nonce, main):
                if self._is_main_alive(nonce, main):  # it is found at the next look
                    self._new_pids.discard(stat.pid)
                    continue
                group = self._enter_ended(main, tag, stat)
            if group is None:
                adopted += self._adopt(stat, id, tag)
            else:
                self._table.add_other(group, id)
                self._new_pids.keep(stat.pid)
                if group.ended and self._poller is not None:
                    self._watch_leftover(group, id)
        return adopted

    def _is_child(self, found: ProcStat, nonce: str, main: ProcessId | None) -> bool:
        """Whether it is not the main process: by the journal, or by its lineage."""
        if main is not None:
            return main != (found.pid, found.start)
        return self._proc == procfs.PROC and lineage.is_child(found.pid, nonce)

    def _is_main_alive(self, nonce: str, main: ProcessId | None) -> bool:
        if main is not None:
            found = procfs.stat(main.pid, self._proc)
            return found is not None and found.start == main.start and self._lives(found)
        pids = (pid for pid in self._new_pids.present() if lineage.is_main(pid, nonce))
        return any(map(self._lives, filter(None, map(procfs.stat, pids))))

    def _lives(self, found: ProcStat) -> bool:
        return not procfs.is_dead(found, self._proc)

    def _enter_ended(self, main: ProcessId | None, tag: Tag, left: ProcStat) -> Group:
        """The group of a main process that ended while no controller ran, and left a child."""
        id = main or ProcessId(left.pid, 0)  # nothing has that start
        process = Process(tag, id, ticks_to_seconds(id.start or left.start))
        group = Group(process, leads=False)
        self._table.add(group)
        self._table.end(group)
        self._new_ended.append(process)
        return group

    def _adopt(self, stat: ProcStat, id: ProcessId, tag: Tag) -> list[Process]:
        pidfd = -1
        if self._poller is not None:
            held = pidfds.hold(id)
            if held is None:
                return []
            pidfd = held
        state = RunState.FROZEN if stat.state in states.STOPPED else RunState.RUNNING
        at = ticks_to_seconds(stat.start)
        process = Process(tag, id, at, state, starting=stat.starting)
        self._enter(Group(process, pidfd, leads=stat.session == stat.pid))
        return [process]

    def _enter(self, group: Group) -> None:
        self._table.add(group)
        if self._poller is not None:
            self._poller.watch(group.pidfd, self._on_end, group)

    def _note_fault(self, pid: int, fault: str) -> None:
        if fault and self._faults.get(pid) != fault:
            self._faults[pid] = fault
            self._new_faults.append(fault)

    # -- who goes ------------------------------------------------------------------------------

    def _main_ended(self, group: Group) -> None:
        """Its pidfd is readable."""
        assert self._poller is not None
        process, nonce = group.process, group.process.tag.nonce
        self._look_for_children(group)
        exit = exits.collect(group.pidfd, process.id, self._proc)
        if exit is None:
            return
        exits.release(process.id.pid)
        self._poller.forget(group.pidfd)
        os.close(group.pidfd)
        group.pidfd = -1
        self._faults.pop(process.id.pid, None)
        self._new_pids.discard(process.id.pid)
        self._table.end(group)
        for id in tuple(group.others):
            self._watch_leftover(group, id)
        try:
            self._on_exit(group.process, exit)
        finally:
            if not group.others and self._table.get(nonce) is group:
                self._gone(group)

    def _look_for_children(self, group: Group) -> None:
        """What was forked since the last relist: it may have left unknown children.

        Before the main process is reaped, since until then its number is its session's for
        certain. One that another process reaps may be gone already, and its number reused.
        """
        main = group.process.id
        if not exits.is_kept(main.pid):
            found = procfs.stat(main.pid, self._proc)
            if found is None or found.start != main.start:
                self._table.drop_session(group)
        self._look_at_latest(group)

    def _look_at_latest(self, group: Group | None = None) -> None:
        """Processes that began since the last look, and those in the group's cgroup."""
        try:
            members = self._cgroup_members(group.process.tag) if group is not None else ()
            latest = self._new_pids.latest()
            near, foreign = self._descent.candidates(latest) if latest else ([], [])
            for pid in foreign:
                self._new_pids.discard(pid)
            if near or members:
                self._examine(sorted({*near, *members}), adopt=False)
        except OSError:  # out of files: what follows is done nevertheless, the relist corrects it
            self._new_pids.reset()

    def _watch_leftover(self, group: Group, id: ProcessId) -> None:
        assert self._poller is not None
        if group.others.get(id, -1) >= 0:
            return
        try:
            pidfd = pidfds.hold(id)
        except OSError:  # out of files: the relist will see it vanish
            return
        if pidfd is None:
            self._table.drop_other(group, id)
        else:
            group.others[id] = pidfd
            self._poller.watch(pidfd, self._other_gone, group, id)

    def _other_gone(self, group: Group, id: ProcessId) -> None:
        """One of the others has ended. Never reaped here: the caller that runs preStop waits for
        it."""
        pidfd = group.others.get(id, -1)
        if pidfd >= 0 and self._poller is not None:
            self._poller.forget(pidfd)
            os.close(pidfd)
        self._faults.pop(id.pid, None)
        self._table.drop_other(group, id)
        if group.ended and not group.others:
            self._gone(group)

    def _vanished(self, pid: int) -> None:
        """A pid is gone, or has become another process."""
        self._faults.pop(pid, None)
        member = self._table.member(pid)
        # The end of a main process is told by its pidfd, with its exit status, and by that only.
        if member is not None and member[0] != member[1].process.id:
            self._other_gone(member[1], member[0])

    def _gone(self, group: Group) -> None:
        self._table.remove(group)
        self._on_gone(group.process.tag)

    # -- effects and samples -------------------------------------------------------------------

    def signal(self, nonce: str, signum: int) -> bool:
        """Signal the main process; False where it is gone."""
        group = self._running(nonce)
        if group is None or group.pidfd < 0:
            return False
        return self._send(group.process.id, group.pidfd, signum)

    def signal_all(self, nonce: str, signum: int) -> int:
        """Signal every process of the nonce, also what was forked a moment ago: how many."""
        group = self._table.get(nonce)
        if group is None:
            return 0
        self._look_at_latest(group)
        count = int(self.signal(nonce, signum))
        for id, pidfd in tuple(group.others.items()):
            count += self._send(id, pidfd, signum)
        return count

    def usage(self) -> dict[str, Sample]:
        """What each instance used when states were last sampled, by nonce."""
        groups = self._table.running()
        return {g.process.tag.nonce: g.used for g in groups if g.used is not None}

    def look_for_children(self) -> None:
        """Add the children that apps forked since the last look; cheap, see ``new_pids``."""
        self._look_at_latest()

    def sample_states(self) -> set[str]:
        """See who is frozen, whose program was replaced, and what each uses; the apps where a
        state changed."""
        changed = set()
        for group in self._table.running():
            changes = states.look(group, self._proc)
            if changes:
                self._table.update(group, changes)
                changed.add(group.process.tag.app)
        return changed

    def close(self) -> None:
        """Let go of all pidfds. The processes run on."""
        for group in self._table.groups():
            exits.release(group.process.id.pid)
            for pidfd in (group.pidfd, *group.others.values()):
                if pidfd >= 0:
                    os.close(pidfd)
        if self._poller is not None:
            self._poller.close()
        self._table = Table()

    def _is_member(self, pid: int) -> bool:
        return self._table.member(pid) is not None

    def _of_nonce(self, nonce: str) -> Tag | None:
        return self.tag_of(nonce) or self._recorded(nonce)

    def _running(self, nonce: str) -> Group | None:
        group = self._table.get(nonce)
        return None if group is None or group.ended else group

    def _send(self, id: ProcessId, pidfd: int, signum: int) -> bool:
        """A process that may not be signalled is not gone; say so once, and go on."""
        try:
            return pidfds.send(pidfd, signum) if pidfd >= 0 else pidfds.send_to(id, signum)
        except PermissionError:
            fault = "may not be signalled: it runs as another user; run recon as root"
            self._note_fault(id.pid, f"pid {id.pid} {fault}")
            return True
