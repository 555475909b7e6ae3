"""What a manifest asks for, against what is available on this host: a table of rules.

A field that recon cannot enforce is refused, with the reason and what would make it possible; it is
never accepted and ignored. Such a manifest is a mistake like any other: its place is reported, and
the last good version keeps running.

Each rule takes a spec and the host's facts and yields (path below ``spec``, why). They do not
look at the host themselves: on another machine than the host, ``--no-host`` tells `validate`
not to ask them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from reconciler.checks import enforceable_limits
from reconciler.diff.core import capacity
from reconciler.model.host.facts import HostFacts
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.words.sentence import Sentence


class Refusal(NamedTuple):
    """A field below ``spec``, dotted, and why it is unavailable."""

    path: str
    why: Sentence


Rule = Callable[[ProgramSpec, HostFacts], Iterator[Refusal]]


def unenforceable(spec: ProgramSpec, facts: HostFacts) -> Iterator[Refusal]:
    """Everything that this spec asks for and that is unavailable here."""
    for rule in RULES:
        yield from rule(spec, facts)


def _account(spec: ProgramSpec, facts: HostFacts) -> Iterator[Refusal]:
    """setuid(2) and setgid(2): only root can switch user or group."""
    if facts.is_root:
        return
    for field, value in (("user", spec.user), ("group", spec.group)):
        if value is not None:
            message = f"only root can run a program as another {field}"
            yield Refusal(field, Sentence(message, f"start recon as root, or remove `{field}`"))


def _socket_owners(spec: ProgramSpec, facts: HostFacts) -> Iterator[Refusal]:
    if facts.is_root:
        return
    for index, socket in enumerate(spec.shared_sockets):
        for field, value in (("owner", socket.owner), ("group", socket.group)):
            if value is not None:
                message = "only root can change the owner of a file"
                remedy = f"start recon as root, or remove `{field}`"
                yield Refusal(f"sockets.{index}.{field}", Sentence(message, remedy))


def _privileges(spec: ProgramSpec, facts: HostFacts) -> Iterator[Refusal]:
    """capabilities(7): what it takes to take something away from a program."""
    for field, is_set, needed in (
        ("supplementaryGroups", spec.supplementary_groups, "SETGID"),
        ("capabilities", spec.capabilities and spec.capabilities.drop, "SETPCAP"),
        ("readOnlyPaths", spec.read_only_paths, "SYS_ADMIN"),
        ("privateTmp", spec.private_tmp, "SYS_ADMIN"),
    ):
        if is_set and not facts.may(needed):
            message = f"recon lacks the capability for this: CAP_{needed}"
            remedy = (
                "give recon that capability (root has it outside of containers), or "
                f"remove `{field}`"
            )
            if needed == "SETPCAP" and not facts.is_root:
                remedy = (
                    "write noNewPrivileges: true, which has the same effect for an ordinary user"
                )
            yield Refusal(field, Sentence(message, remedy))


def _limits(spec: ProgramSpec, facts: HostFacts) -> Iterator[Refusal]:
    yield from (Refusal(*found) for found in enforceable_limits.refusals(spec, facts))


def _instances(spec: ProgramSpec, facts: HostFacts) -> Iterator[Refusal]:
    yield from (Refusal(*found) for found in capacity.too_many(spec, facts))


RULES: tuple[Rule, ...] = (_account, _socket_owners, _privileges, _limits, _instances)
