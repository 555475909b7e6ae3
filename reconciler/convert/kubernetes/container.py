"""The container: its command and its variables, and the Secrets that it takes them from.

Plain variables stand in the template of the Pod, not in a ConfigMap: so an edit of one rolls out
and an undo takes it back, as recon does. A ConfigMap would do neither.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from reconciler.convert.engines.draft import Draft
from reconciler.convert.fields import Fate
from reconciler.convert.kubernetes import names

CREDENTIALS = "/run/credentials"
_REFERENCE = re.compile(r"\$(\$?)\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
Objects = list[dict[str, Any]]


def literal(text: str) -> str:
    """``text`` where Kubernetes expands ``$(NAME)`` and takes ``$$`` for ``$``."""
    return text.replace("$", "$$") if "$$" in text or "$(" in text else text


def command(draft: Draft) -> list[str]:
    """The whole command, in the place of the image's. ``$(NAME)`` of the app's own variables is
    Kubernetes' to expand; all else is literal."""
    declared = draft.peek("env") or {}

    def word(text: str) -> str:
        if "$" not in text:
            return text
        parts, end = [], 0
        for found in _REFERENCE.finditer(text):
            parts.append(text[end : found.start()].replace("$", "$$"))
            is_reference = not found[1] and found[2] in declared
            name = f"$({found[2]})"
            parts.append(name if is_reference else f"${name}")
            end = found.end()
        parts.append(text[end:].replace("$", "$$"))
        plain = "".join(parts)
        return text if "$$" not in text and "$(" not in text else plain

    return [word(text) for text in draft.take("command")]


def variables(draft: Draft, container: dict[str, Any]) -> None:
    """``env`` and ``envFrom``. ``env`` wins over a file in Kubernetes, too."""
    secret = f"{draft.name}-env"
    env: Objects = []
    for path in draft.each("env"):
        name, value = path[-1], draft.peek(*path)
        if isinstance(value, str):
            env.append({"name": name, "value": literal(draft.take(*path))})
        elif "perInstance" in value:
            first = draft.take(*path, "perInstance")
            env.append({"name": name, "value": str(first)})
            text = f"is {first} in every Pod: instances have no numbers, and each its own address"
            draft.note(Fate.DIFFERS, text, *path)
        elif "credential" in value:
            folder = f"{CREDENTIALS}/{draft.name}"
            env.append({"name": name, "value": f"{folder}/{name}"})
            _from_file(draft, f"{draft.name}-credentials", (*path, "credential"))
        else:
            kind = "secretFile" if "secretFile" in value else "fromEnv"
            _from_file(draft, secret, (*path, kind))
            key = {"name": secret, "key": name}
            env.append({"name": name, "valueFrom": {"secretKeyRef": key}})
    if credentials(draft):
        env.append({"name": "CREDENTIALS_DIRECTORY", "value": f"{CREDENTIALS}/{draft.name}"})
    files = [draft.take(*path, "file") for path in draft.each("envFrom")]
    if files:
        container["envFrom"] = [{"secretRef": {"name": secret}}]
        if draft.values is None:
            text = (
                f"create the Secret {secret} with the variables of {', '.join(files)}, or export "
                "with --secrets, which writes it"
            )
            draft.note(Fate.TODO, text, "envFrom")
    if env:
        container["env"] = env


def credentials(draft: Draft) -> list[str]:
    """The names of the variables that hold the path of a credential."""
    env = draft.peek("env") or {}
    return [
        name for name, value in env.items() if not isinstance(value, str) and "credential" in value
    ]


def secrets(draft: Draft) -> Objects:
    """The Secrets, with their values; nothing where these are not to be written."""
    kept: dict[str, dict[str, str]] = {"env": {}, "credentials": {}}
    for name, value in (draft.values or {}).items():
        kind = "credentials" if isinstance(value, bytes) else "env"
        data = value if isinstance(value, bytes) else value.encode(errors="surrogateescape")
        kept[kind][name] = base64.b64encode(data).decode()
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": names.metadata(draft, f"{draft.name}-{kind}"),
            "type": "Opaque",
            "data": data,
        }
        for kind, data in kept.items()
        if data or (kind == "env" and draft.values is not None and draft.peek("envFrom"))
    ]


def _from_file(draft: Draft, secret: str, path: tuple[str, ...]) -> None:
    *_, name, kind = path
    source = draft.take(*path)
    if draft.values is None:
        where = f"the variable {source}" if kind == "fromEnv" else source
        text = (
            f"put {where} into the Secret {secret} as {name}, or export with --secrets, which "
            "writes it"
        )
        draft.note(Fate.TODO, text, *path)
