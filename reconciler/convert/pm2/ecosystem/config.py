"""An ecosystem file becomes a list of apps as written: JavaScript, JSON (with comments) or YAML."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.convert.errors import fault
from reconciler.convert.host import Host
from reconciler.convert.manifests.draft import Fate, Note, from_shell
from reconciler.convert.pm2.ecosystem.evaluate import Evaluated, evaluate
from reconciler.convert.pm2.ecosystem.inherited import NOTHING, Inherited, inherited
from reconciler.convert.pm2.ecosystem.shell import less_shell
from reconciler.convert.read_text import text_of
from reconciler.desired.text import yaml

_MODULES = (".js", ".cjs", ".mjs")


@dataclass(frozen=True, slots=True)
class Config:
    """One file. ``apps`` are as written, each a map."""

    file: str
    apps: tuple[dict[str, Any], ...]
    notes: tuple[Note, ...] = ()
    """On the file as a whole."""
    inherited: Inherited = NOTHING


def read(file: str, host: Host, *, cwd: str | None = None, also: Sequence[str] = ()) -> Config:
    """The apps of one file (absolute path). Raises ImportFault."""
    text = text_of(file)
    copied = 0
    name = os.path.basename(file)
    if name.endswith(_MODULES):
        found, copied = less_shell(
            lambda environ: evaluate(file, environ, cwd=cwd, also=also), host.environ
        )
    elif name.endswith((".yaml", ".yml")):
        found = Evaluated(_yaml(file, text))
    elif name.endswith((".json", ".json5")):
        found = _json(file, text, host)
    else:
        raise fault(
            file,
            "is not a PM2 config file, whose name ends in .js, .cjs, .mjs, .json, .yaml or .yml",
        )
    return _config(file, found, copied, host)


def _yaml(file: str, text: str) -> Any:
    try:
        documents = yaml.parse(text)
    except yaml.Fault as error:
        raise fault(file, str(error), error.line, error.column) from None
    return _merged(documents[0].data) if documents else None


def _merged(value: Any) -> Any:
    """YAML 1.1's merge keys, which js-yaml knows: ``<<: *base``."""
    if isinstance(value, list):
        return [_merged(one) for one in value]
    if not isinstance(value, dict):
        return value
    bases = value.get("<<")
    under: dict[str, Any] = {}
    for base in bases if isinstance(bases, list) else [bases]:
        if isinstance(base, dict):
            under = {**_merged(base), **under}
    own = {name: _merged(inner) for name, inner in value.items() if name != "<<" or not under}
    return {**under, **own}


def _json(file: str, text: str, host: Host) -> Evaluated:
    """PM2 evaluates JSON as JavaScript: comments and trailing commas are fine."""
    try:
        return Evaluated(json.loads(text))
    except (ValueError, RecursionError):
        return evaluate(file, host.environ, expression=True)


def _config(file: str, found: Evaluated, copied: int, host: Host) -> Config:
    top = found.value
    written = top
    if isinstance(top, dict):
        written = top.get("apps") or top.get("pm2") or top
    apps = written if isinstance(written, list) else [written]
    for number, app in enumerate(apps, start=1):
        if not isinstance(app, dict) or "$" in app:
            raise fault(file, f"app {number} is not an object; write apps: [{{name, script}}]")
    notes = _of_file(top) if isinstance(top, dict) and written is not top else []
    if found.reads:
        notes.append(from_shell(found.reads))
    if copied:
        text = (
            f"{copied} variables of this shell are copied into env and left out of"
            " the manifest: recon"
            " passes on no shell variables; write those that the program needs into env"
        )
        notes.append(Note(Fate.CHANGED, "...process.env", text))
    given = inherited(found, host.environ)
    if (note := given.note()) is not None:
        notes.append(note)
    if found.cores is not None:
        text = (
            f"said {found.cores} on this host, and this number is now in the manifest; with"
            " instances: max recon counts the cores itself"
        )
        notes.append(Note(Fate.CHANGED, "os.cpus()", text))
    return Config(file, tuple(apps), tuple(notes), given)


def _of_file(top: dict[str, Any]) -> list[Note]:
    notes = []
    if top.get("deploy"):
        note = "`pm2 deploy` is an ssh script; keep it, and let it end with `recon apply`"
        notes.append(Note(Fate.LOST, "deploy", note))
    if top.get("static"):
        note = "PM2's own file server; declare nginx, caddy or `npx serve` as an app instead"
        notes.append(Note(Fate.TODO, "static", note))
    return notes
