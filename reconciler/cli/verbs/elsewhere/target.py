"""`--target`: whether a verb is about this host, or about an engine beyond it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import usage
from reconciler.cli.framework.options import Where
from reconciler.system.files.mountinfo import PATH, apart, mounts
from reconciler.system.files.regular import read_head

TargetOption = Annotated[
    str | None,
    Option(
        "--target",
        metavar="ENGINE",
        envvar="RECON_TARGET",
        help="Where: host, kubernetes[:CONTEXT] or nomad[:ADDRESS].",
    ),
]
_SETTINGS = "recon.yaml"
_MOST = 1 << 16
_WORD = b"target:"
_PATIENCE = 2.0
"""Seconds; with a controller, `status` answers also while the manifests' file system does not."""


def elsewhere(place: Where, target: str | None) -> str | None:
    """The engine that the verb is about, as `--target` spells it; None: this host.

    The option wins over `Settings.spec.target`. Verbs for this host pay for one small file.
    """
    if target is None:
        target = _declared(place)
    if target is None or target == "host":
        return None
    from reconciler.model.spec.target import EngineKind, parse  # noqa: PLC0415  heavy
    from reconciler.model.words.sentence import InvalidValue  # noqa: PLC0415

    try:
        found = parse(target)
    except InvalidValue as error:
        raise usage(f"--target: {error}") from None
    return None if found.kind is EngineKind.HOST else target


def _declared(place: Where) -> str | None:
    """`Settings.spec.target`. A file without that word is not parsed; one on a file system that
    does not answer says nothing."""
    file = place.manifests / _SETTINGS
    is_local = apart(str(place.manifests), [*mounts(Path(PATH).read_bytes())]) is None
    text = _head(file) if is_local else _head_in_time(file)
    if _WORD not in text:
        return None
    from reconciler.cli.framework.offline import scan  # noqa: PLC0415  heavy

    return scan(place, host=False).settings.target


def _head_in_time(file: Path) -> bytes:
    """The same by a thread, which is left behind where the file system does not answer."""
    from threading import Thread  # noqa: PLC0415  seldom needed

    found: list[bytes] = []
    reader = Thread(target=lambda: found.append(_head(file)), daemon=True)
    reader.start()
    reader.join(_PATIENCE)
    return found[0] if found else b""


def _head(file: Path) -> bytes:
    try:
        return read_head(file, _MOST)
    except OSError:
        return b""
