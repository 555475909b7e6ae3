"""What the manifests declare, as far as names go: read without judging it.

The scan of the controller imports the models and checks every value, for half a second. Here a
manifest with a mistake still has its name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Any

from reconciler.desired.directory.names import is_hidden, is_manifest_name
from reconciler.desired.text.yaml import Fault, decode, parse

_FILES = 5000
_BYTES = 1024 * 1024


def documents(root: str) -> Iterator[dict[str, Any]]:
    """The documents below a directory, each as ``{"kind", "name", "labels", "profiles"}``."""
    for path in _files(root):
        try:
            found = parse(decode(_content(path)))
        except (Fault, OSError, RecursionError):
            continue
        for document in found:
            if isinstance(document.data, dict):
                yield _summary(document.data)


def _files(root: str) -> Iterator[str]:
    seen = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(filter(is_manifest_name, files)):
            seen += 1
            if seen > _FILES:
                return
            yield os.path.join(folder, name)


def _content(path: str) -> bytes:
    """Of a file of a sensible size. OSError for what is no file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a file")
        return file.read(_BYTES)


def _summary(data: dict[str, Any]) -> dict[str, Any]:
    metadata, spec = data.get("metadata"), data.get("spec")
    metadata = metadata if isinstance(metadata, dict) else {}
    spec = spec if isinstance(spec, dict) else {}
    return {
        "kind": str(data.get("kind", "")),
        "name": str(metadata.get("name", "")),
        "labels": _texts(metadata.get("labels")),
        "profiles": [*_texts(spec.get("profiles"))],
    }


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(key): str(one) for key, one in value.items() if not isinstance(one, list)}
