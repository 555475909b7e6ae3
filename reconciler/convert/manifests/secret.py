"""Literals that look like keys leave the manifest for files of their own, mode 0600.

One value is one file, however often and under whatever name it was pasted. Values are shown
nowhere: not in a report, not in a comment, not in an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.convert.manifests.draft import Draft, Fate, Located
from reconciler.desired.directory.names import is_manifest_name
from reconciler.desired.environment.secretfile import FOLDER, Home
from reconciler.diff.lint.hardcoded_secrets import secret_in, secrets_in_command


class Moved(NamedTuple):
    """A variable of an app, the absolute path of its file, and what its value looks like."""

    app: str
    name: str
    file: str
    what: str


@dataclass(slots=True)
class Vault:
    """Secrets of one import, by the file that each is to be written to."""

    directory: str
    """Absolute: of the manifests."""
    files: dict[str, str] = field(default_factory=dict, repr=False)
    """Value by absolute path."""
    moved: list[Moved] = field(default_factory=list)

    def take(self, draft: Draft) -> None:
        """Replace the secrets of a draft, in all its profiles, by references."""
        for env in _environments(draft):
            for name, value in env.items():
                what = secret_in(name, value) if isinstance(value, str) else None
                if what is not None:
                    path = self._home(draft.title, name, value)
                    env[name] = {"secretFile": Located(path)}
                    self.moved.append(Moved(draft.title, name, path, what))
        if any(secrets_in_command(tuple(draft.spec["command"]))):
            message = "one of its words looks like a key, which every user of the host can see (ps)"
            draft.note(Fate.TODO, "command", f"{message}: pass it in env")

    def _home(self, app: str, name: str, value: str) -> str:
        for path, there in self.files.items():
            if there == value:
                return path
        name += ".secret" if is_manifest_name(name) else ""
        base = os.path.join(self.directory, FOLDER, app, name)
        path, number = base, 1
        while path in self.files:
            number += 1
            path = f"{base}.{number}"
        self.files[path] = value
        return path

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Path and content: what ``secretFile`` reads as the value, less one line end."""
        for path, value in self.files.items():
            yield path, Home(Path(path), value).content.encode()


def _environments(draft: Draft) -> Iterator[dict[str, Any]]:
    for layer in (draft.spec, *draft.profiles.values()):
        env = layer.get("env")
        if isinstance(env, dict):
            yield env
