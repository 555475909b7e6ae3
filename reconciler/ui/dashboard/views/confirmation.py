"""A confirmation: what an action does, and the edit of the manifest that it makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

Document = Mapping[str, Any]


class Words(NamedTuple):
    """For one action: title, what happens, and the button. ``{}`` is the name of the app."""

    title: str
    sentence: str
    button: str


ACTIONS: Mapping[str, Words] = {
    "restart": Words(
        "Restart {}?",
        "Its processes are replaced as by its strategy, one after the other.",
        "Restart",
    ),
    "suspend": Words("Suspend {}?", "Its processes are stopped; it stays declared.", "Suspend"),
    "resume": Words("Resume {}?", "It runs again.", "Resume"),
    "scale": Words("Scale {}", "Its manifest says how many instances run.", "Scale"),
    "undo": Words(
        "Undo {}?", "Its manifest becomes what it was at that revision, and is rolled out.", "Undo"
    ),
    "pause": Words("Pause the rollout of {}?", "What runs keeps running as it is.", "Pause"),
    "unpause": Words("Continue the rollout of {}?", "The rollout goes on.", "Continue"),
    "run-job": Words("Run {} now?", "A run begins beside those of its schedule.", "Run"),
}
OF_ALL: Mapping[str, Words] = {
    "confirm-prune": Words(
        "Remove these apps?",
        "Their manifests are gone. Their processes are stopped.",
        "Stop and remove",
    ),
    "confirm-load": Words(
        "Run more instances?",
        "The host may not have enough memory, processes or files for them.",
        "Run them",
    ),
}
"""Those that are of no app."""
_PARAMETERS = {"scale": "instances", "undo": "revision"}


def parameters_of(action: str, given: Mapping[str, str]) -> dict[str, Any] | None:
    """What an action needs beside the app; None where that is missing. ValueError, a sentence."""
    name = _PARAMETERS.get(action)
    if name is None:
        return {}
    text = given.get(name, "").strip()
    if not text:
        return None if action == "scale" else {}
    is_number = text.isascii() and text.isdecimal() and len(text) <= 6
    if action == "scale" and text in ("max", "max-1"):
        return {name: text}
    if not is_number:
        raise ValueError(f"{text!r} is not a number of {name}; write e.g. 2")
    return {name: int(text)}


def edits_of(answer: Document) -> list[dict[str, Any]]:
    """The edits with their lines, each with the kind that it is shown as."""
    return [{**edit, "lines": [*map(_line, _body(edit["diff"]))]} for edit in answer["edits"]]


def fingerprint(answer: Document) -> str:
    """Of the edits that a person has seen: an action does these, or asks again."""
    text = json.dumps(answer["edits"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _body(diff: str) -> list[str]:
    """Without the two lines that name the files: they stand above."""
    return [line for line in diff.splitlines() if not line.startswith(("--- ", "+++ "))]


def _line(line: str) -> tuple[str, str]:
    kinds = {"+": "ins", "-": "del", "@": "at"}
    return kinds.get(line[:1], "same"), line or " "
