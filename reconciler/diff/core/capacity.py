"""More instances than a host can hold whatever they run: a rule of ``enforceable``.

Only what is certain is refused. Each instance is a process, takes descriptors of the controller's
for its end and its output, and has memory even where it does nothing. Whether the host has room for
what the programs really use is measured when an edit raises their count: see ``load``.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.host.facts import UNLIMITED, HostFacts
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.words.sentence import Sentence

DESCRIPTORS = 3
"""Files that the controller has open for each instance: a pidfd and two FIFOs."""
SPARE = 64
"""Files that it has open besides: journal, logs, sockets, requests."""
LEAST = 1 << 20
"""Bytes that any program takes, with what the kernel keeps for it: a guess, and a low one."""


def too_many(spec: ProgramSpec, facts: HostFacts) -> Iterator[tuple[str, Sentence]]:
    """(path below ``spec``, why) where the instances cannot all run here."""
    wanted = spec.wanted
    for most, what in _bounds(facts):
        if wanted > most:
            message = f"{wanted:,} instances are more than this host can hold: {what}"
            yield "instances", Sentence(message, f"write at most {most:,}")
            return


def _bounds(facts: HostFacts) -> Iterator[tuple[int, str]]:
    """(instances at most, why)."""
    files = facts.rlimits.get("openFiles")
    if files is not None and files.hard != UNLIMITED:
        text = f"recon may open {files.hard:,} files (ulimit -Hn), {DESCRIPTORS} for each"
        yield files.hard // DESCRIPTORS, text
    if facts.most_processes:
        yield facts.most_processes, f"{facts.most_processes:,} processes are allowed"
    if facts.memory:
        text = f"it has {facts.memory >> 20:,} MiB of memory, and each takes 1 MiB at least"
        yield facts.memory // LEAST, text
