"""An edit of one field of a manifest: refused in a sentence, or the file reads as it must."""

from __future__ import annotations

from typing import Any

from reconciler.desired.text import yaml
from reconciler.desired.text.edit import EditError, remove_field, set_field
from reconciler.desired.text.locate import declarations

_HEAD = b"apiVersion: recon/v1\nkind: App\nmetadata: {name: web}\nspec:\n"
SEEDS = (
    _HEAD + b"  command: a # why\n  instances: 2\n",
    _HEAD + b"  command: a\n  env:\n    A: |\n      text\n\n  # last\n---\nkind: Other\n",
    b'{"kind": "App", "metadata": {"name": "web"}, "spec": {"command": ["a"]}}',
    _HEAD.replace(b"\n", b"\r\n") + b"  {command: a, suspend: false}\r\n",
)
_EDITS: tuple[tuple[tuple[str | int, ...], Any], ...] = (
    (("spec", "instances"), 5),
    (("spec", "suspend"), True),
    (("spec", "env", "A"), "a: b # c\n'"),
)


def check(data: bytes) -> None:
    """Set each field, look, set it back, remove it."""
    for path, value in _EDITS:
        try:
            edited = set_field(data, "web", path, value)
        except EditError as error:
            assert str(error).strip()
            continue
        assert value in _values(edited, path)
        assert set_field(edited, "web", path, value) == edited, "a second time it changes nothing"
        try:
            removed = remove_field(edited, "web", path)
        except EditError:
            continue
        assert not _values(removed, path)


def _values(text: bytes, path: tuple[str | int, ...]) -> list[Any]:
    """The field in each document that declares the app."""
    found = []
    for document in declarations(yaml.parse(yaml.decode(text)), "web"):
        data = document.data
        for key in path:
            data = data.get(key) if isinstance(data, dict) else None
        if data is not None:
            found.append(data)
    return found
