"""The identity of a process: the witnesses for it, and which counts where they differ.

A tag in the environment can vanish: ``setproctitle`` writes over it, ``env -i`` drops it. So
there are further witnesses, any of which suffices (design.md#identity). From strong to weak:

journal      we wrote it down ourselves when we started exactly this (pid, start)
session      it is in the session that a main process of ours leads; only descent leads there
cgroup       it is in an instance's cgroup: by descent, or because root put it there
lineage      it carries an instance's nonce in a limit: had by descent, or set on purpose by the
             same user
FIFO         it holds an output FIFO of ours as fd 1 or 2: a kernel object, had by descent or by
             opening it on purpose
environment  text, which is inherited too, but also copied: ``env > file`` in one process and
             ``. ./file`` in another carry an old tag into a new life

What a process of another user carries says nothing (``credibility``).

Where they name different processes the strongest is believed and a fault is reported. To be ours
is never called off by a contradiction: at worst a stop ends too little, while a second copy of a
program that runs may destroy its data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.model.host.cgroup import tag_of
from reconciler.model.host.fifo import FifoName
from reconciler.model.host.procstat import ProcStat
from reconciler.model.state.observed import ProcessId, Tag
from reconciler.observed.processes import lineage
from reconciler.observed.processes.credibility import Credibility
from reconciler.observed.processes.environs import Environ, Environs
from reconciler.system import procfs

JournalWitness = Callable[[ProcessId], Tag | None]
NonceWitness = Callable[[str], Tag | None]

_LONGEST = 512
"""Bytes of a tag. Any user may put anything into an environment; recon's tags are a third of
this."""
_APP = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Identity:
    """The tag of a process, and the fault to report where the witnesses differ."""

    tag: Tag
    fault: str = ""


@dataclass(slots=True)
class Witnesses:
    """The witnesses for processes of one store, whose FIFOs are in ``fifo_dirs``."""

    store: str
    fifo_dirs: tuple[str, ...]
    """Absolute, links resolved, without a slash at the end: see ``fifodirs``."""
    journal: JournalWitness
    session: Callable[[int], Tag | None]
    """The tag of the main process that leads the session of this number."""
    credibility: Credibility
    """Whether what a process carries is to be believed."""
    proc: str = procfs.PROC
    cgroups: str = ""
    """``CgroupFacts.path``; empty where there are none of ours."""
    instance: NonceWitness = lambda nonce: None
    """The tag of an instance that is known by this nonce."""
    environs: Environs = field(init=False)
    """What the environments say, for ``identify``."""

    def __post_init__(self) -> None:
        self.environs = Environs(f"RECON_ID={self.store}/".encode(), self.credibility, self.proc)

    def identify(self, found: ProcStat, environ: Environ) -> Identity | None:
        """The tag of the process; None where no instance of this store owns it."""
        answers = [
            ("the journal", self.journal(ProcessId(found.pid, found.start))),
            ("its session", self.session(found.session)),
            ("its cgroup", self._by_cgroup(found.pid)),
            ("its lineage", self.by_lineage(found.pid)),
            ("its output", self._by_fifo(found.pid, environ.uid)),
            ("its environment", self._by_environment(environ)),
        ]
        heard = [(witness, tag) for witness, tag in answers if tag is not None]
        if not heard:
            return None
        strongest, believed = heard[0]
        against = [(witness, tag) for witness, tag in heard[1:] if tag.nonce != believed.nonce]
        if not against:
            return Identity(believed)
        others = " and ".join(f"{witness} says {_text_of(tag)}" for witness, tag in against)
        return Identity(
            believed,
            f"pid {found.pid}: {strongest} says {_text_of(believed)}, but {others}; recon treats it"
            f" as {_text_of(believed)}: stop the process by hand if that is wrong",
        )

    def _by_cgroup(self, pid: int) -> Tag | None:
        path = procfs.cgroup(pid, self.proc) if self.cgroups else None
        tag = tag_of(path, self.cgroups, self.store) if path else None
        return tag if tag is not None and _APP.fullmatch(tag.app) else None

    def by_lineage(self, pid: int) -> Tag | None:
        """Of an instance that is known; others' nonces say nothing."""
        nonce = lineage.nonce(pid) if self.proc == procfs.PROC else None
        tag = self.instance(nonce) if nonce is not None else None
        if tag is None or not self.credibility.of_text(tag, procfs.real_uid(pid, self.proc)):
            return None
        return tag

    def _by_fifo(self, pid: int, uid: int) -> Tag | None:
        for name in ("fd/1", "fd/2"):
            directory, _, file = (procfs.link(pid, name, self.proc) or "").rpartition("/")
            fifo = FifoName.parse(file) if directory in self.fifo_dirs else None
            if fifo is not None and _APP.fullmatch(fifo.app):
                tag = Tag(self.store, fifo.app, fifo.instance, fifo.hash, fifo.nonce)
                if self.credibility.of_output(pid, name, tag, uid):
                    return tag
        return None

    def _by_environment(self, environ: Environ) -> Tag | None:
        for value in environ.values:
            if len(value) <= _LONGEST and value.isascii():
                tag = Tag.parse(f"{self.store}/{value.decode()}")
                if tag is not None and _APP.fullmatch(tag.app):
                    return tag if self.credibility.of_text(tag, environ.uid) else None
        return None


def _text_of(tag: Tag) -> str:
    return f"{tag.app}-{tag.instance} ({tag.nonce})"
