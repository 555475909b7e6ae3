"""A folder with configs to import, and the importers on it, without a command line."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.convert.host import Host
from reconciler.convert.manifests.draft import Draft, Fate
from reconciler.convert.manifests.finalise import Bundle, bundle
from reconciler.convert.pm2.app import draft_of
from reconciler.desired.manifest.manifest import Context, read
from reconciler.desired.manifest.surroundings import Surroundings
from reconciler.desired.text import yaml
from reconciler.model.state.desired import Problem


@dataclass(frozen=True)
class StrangeHost(Host):
    """A host with these programs and no others."""

    programs: Mapping[str, str] = field(default_factory=dict)

    def find(self, program: str) -> str | None:
        return self.programs.get(program)


HOST = StrangeHost(
    cores=4,
    any_address="::",
    environ={"HOME": "/home/crm", "PATH": "/usr/bin"},
    programs={"npm": "/usr/bin/npm", "python3": "/usr/bin/python3", "htop": "/usr/bin/htop"},
)
FOLDER = "/srv/crm"
MANIFESTS = "/srv/crm/manifests"


def pm2_draft(app: Mapping[str, Any], host: Host = HOST, folder: str = FOLDER) -> Draft:
    return draft_of(app, f"{folder}/ecosystem.config.js", 1, host, cwd=folder)


def told(draft: Draft, fate: Fate) -> dict[str, str]:
    """Text by key, of the notes of one fate."""
    return {note.key: note.text for note in draft.notes if note.fate is fate}


def manifests(found: Bundle) -> dict[str, Any]:
    """The documents of a bundle, by app."""
    parsed = [yaml.parse(text)[0].data for text in found.manifests.values()]
    return {document["metadata"]["name"]: document for document in parsed}


def problems(found: Bundle, profile: str | None = None) -> list[Problem]:
    """What `recon validate` says of the manifests alone, not of the host."""
    around = Surroundings({}, None, environ_is_own=False, check=False)
    context = Context(around, profile=profile)
    return [
        problem
        for path, text in found.manifests.items()
        for problem in read(path, text.encode(), context).problems
    ]


def one(app: Mapping[str, Any], host: Host = HOST) -> dict[str, Any]:
    """The spec that one app of PM2 becomes, as written and read again."""
    found = bundle([pm2_draft(app, host)], MANIFESTS)
    assert not problems(found)
    (document,) = manifests(found).values()
    spec: dict[str, Any] = document["spec"]
    return spec


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a package as npm gives it, without what it depends on."""
    folders: dict[str, Path] = {}

    def unpacked(wanted: str) -> Path:
        if wanted not in folders:
            if shutil.which("npm") is None or shutil.which("node") is None:
                pytest.skip(f"no npm and node in PATH: nothing is compared with {wanted}")
            folder = tmp_path_factory.mktemp("npm")
            command = ["npm", "pack", wanted, "--silent"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"npm cannot fetch {wanted} to compare with: {done.stderr[:200]}")
            (archive,) = folder.glob("*.tgz")
            shutil.unpack_archive(archive, folder, filter="data")
            folders[wanted] = folder / "package"
        return folders[wanted]

    return unpacked


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    """Write a file that others may read; its absolute path."""
    tmp_path.chmod(0o755)

    def written(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return written
