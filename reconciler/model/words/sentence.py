"""A message and a remedy: two texts, joined to one sentence only where they are shown."""

from __future__ import annotations

from typing import NamedTuple


class Sentence(NamedTuple):
    """A message and its remedy; as text ``<message>; <remedy>``."""

    message: str
    remedy: str = ""
    """What to do; empty where there is nothing to advise."""

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message

    @classmethod
    def of(cls, text: str, remedy: str) -> Sentence:
        """The sentence that is shown as ``text`` and has this remedy."""
        return cls(text.removesuffix(f"; {remedy}"), remedy) if remedy else cls(text)


class InvalidValue(ValueError):
    """A value that is not allowed, and what to write instead."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(str(Sentence(message, remedy)))
        self.message, self.remedy = message, remedy
