"""Where the manifests run: on this host, or on an engine beyond it, as `--target` spells it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from reconciler.model.words.closest import closest
from reconciler.model.words.sentence import InvalidValue


class EngineKind(StrEnum):
    HOST = "host"
    KUBERNETES = "kubernetes"
    NOMAD = "nomad"


class Target(NamedTuple):
    """An engine, and which one: a context of the kubeconfig, or the address of a Nomad agent."""

    kind: EngineKind
    address: str = ""
    """Empty: the one that is in force in the environment."""

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.address}" if self.address else self.kind.value


def parse(text: str) -> Target:
    """``kubernetes[:CONTEXT]``, ``nomad[:ADDRESS]`` or ``host``. InvalidValue for others."""
    word, colon, address = text.partition(":")
    kinds = [kind.value for kind in EngineKind]
    if word not in kinds:
        near = closest(word, kinds)
        hint = f"did you mean {near}?" if near else f"write one of {', '.join(kinds)}"
        raise InvalidValue(f"{text!r} is not an engine", hint)
    kind = EngineKind(word)
    if colon and (not address or kind is EngineKind.HOST or not address.isprintable()):
        raise InvalidValue(f"{text!r} has no valid address", f"write {word}, or {word}:NAME")
    return Target(kind, address)


def _checked(text: str) -> str:
    parse(text)
    return text


EngineAddress = Annotated[str, AfterValidator(_checked)]
