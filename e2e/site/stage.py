"""The documents in one folder, as the generator wants them, with links that lead on there."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from e2e.site import reference

ROOT = Path(__file__).parents[2]
NAV: Mapping[str, Mapping[str, str]] = {
    "Start": {"recon": "README", "The first hour": "tutorial", "中文": "README.zh"},
    "Move": {
        "From PM2": "from-pm2",
        "From supervisord": "from-supervisord",
        "From systemd units": "from-systemd",
        "From docker compose": "from-compose",
    },
    "Use": {
        "Daily work": "operating",
        "Review": "review",
        "Sockets": "sockets",
        "systemd": "systemd",
        "Import": "import",
        "Kubernetes and Nomad": "engines",
        "The terminal": "monit",
        "The page": "dashboard",
        "Notifications": "notifications",
        "Metrics": "metrics",
        "Security": "security",
    },
    "Look up": {
        "Manifests": "manifest",
        "All fields": "fields",
        "All commands": "commands",
        "HTTP API": "api",
        "Events": "events",
        "Changes": "CHANGELOG",
    },
    "Understand": {
        "How it works": "how-it-works",
        "Why it is so": "design",
        "Reliability": "reliability",
        "Hours of work": "soak",
        "Speed": "performance",
        "Where one host ends": "scaling",
    },
    "Take part": {
        "Contributing": "CONTRIBUTING",
        "Tests": "testing",
        "Style": "style",
        "Releasing": "releasing",
        "Faults of security": "SECURITY",
    },
}
"""The order of a reader: title, and the page's name."""
_MADE = {"fields": reference.fields, "commands": reference.commands}
_LINK = re.compile(r"(?P<text>\[[^\]\n]*\])\((?P<target>(?!https?:|mailto:|#)[^)\s]+)\)")


def pages() -> dict[str, Path]:
    """The documents that are files, by name."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    return {path.stem: path for path in found}


def stage(folder: Path) -> Path:
    """Write all of it below ``folder``, which is emptied; the generator's configuration."""
    shutil.rmtree(folder, ignore_errors=True)
    pages_folder = folder / "pages"
    pages_folder.mkdir(parents=True)
    files = pages()
    for name, path in files.items():
        text = _LINK.sub(partial(_moved, page=path, files=files), path.read_text())
        (pages_folder / f"{_staged(name)}.md").write_text(text)
    for name, made in _MADE.items():
        (pages_folder / f"{name}.md").write_text(made())
    shutil.copytree(ROOT / "docs/pictures", pages_folder / "pictures")
    shutil.copy(ROOT / "docs/architecture.svg", pages_folder)
    config = folder / "zensical.toml"
    config.write_text(_config())
    return config


def _staged(name: str) -> str:
    return "index" if name == "README" else name.lower()


def _moved(link: re.Match[str], page: Path, files: Mapping[str, Path]) -> str:
    """The link, where its target is on the site; else its text: the site has no files of code."""
    target, _, section = link["target"].partition("#")
    path = (page.parent / target).resolve()
    anchor = f"#{section}" if section else ""
    if path.suffix == ".md" and files.get(path.stem) == path:
        return f"{link['text']}({_staged(path.stem)}.md{anchor})"
    if path.suffix in (".svg", ".png"):
        return f"{link['text']}({path.relative_to(ROOT / 'docs')})"
    return link["text"][1:-1]


def _config() -> str:
    nav = [
        {part: [{title: f"{_staged(name)}.md"} for title, name in titles.items()]}
        for part, titles in NAV.items()
    ]
    rows = ", ".join(_toml(row) for row in nav)
    return (
        '[project]\nsite_name = "recon"\n'
        'site_description = "A directory of manifests is what runs on this host"\n'
        f'docs_dir = "pages"\nsite_dir = "site"\nuse_directory_urls = false\nnav = [{rows}]\n'
        '[project.theme]\nfeatures = ["navigation.sections", "content.code.copy"]\n'
    )


def _toml(value: object) -> str:
    """As an inline value of TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
