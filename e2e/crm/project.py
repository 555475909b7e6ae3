"""A copy of the system that is installed and built by npm, with ports and a key of its own."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import secrets
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.harness import replace
from tests.waiting import until

SOURCES = Path(__file__).parent
PARTS = ("backend", "frontend")
PORTS = (3000, 3001, 8080, 5173, 4173)
"""In the PM2 files: API and its development, page (`start:prod`), its development, `preview`."""

_CACHE = Path("~/.cache/recon-crm").expanduser()
_NODE = 20
_NOT_SOURCES = ("node_modules", "dist", "logs", "data", ".env*", "*.py", "__pycache__")


def lacking() -> str:
    """Why the system cannot be installed here; empty where nothing is known to be in the way."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        return f"no {' and no '.join(missing)} in PATH"
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)", told)
    if found is None or int(found[1]) < _NODE:
        return f"NestJS and Vite need Node {_NODE}, this is {told.strip()}"
    return ""


class NpmFailed(Exception):
    """The message ends with what npm said."""


class NotInstalled(NpmFailed):
    """`npm ci` failed: as a rule no registry is reached."""


@dataclass(frozen=True)
class Crm:
    """One copy. All ports are of 127.0.0.1; ``port`` has them by those in the PM2 files."""

    root: Path
    port: dict[int, int]
    key: str = field(default_factory=lambda: secrets.token_urlsafe(400))
    """What the user has pasted into the PM2 file of the back end."""
    word: str = field(default_factory=lambda: secrets.token_hex(8))
    """Opens the switches."""

    def config(self, part: str = "") -> Path:
        """The PM2 file of a part, or the one for all."""
        return self.root / part / "ecosystem.config.js"

    def url(self, port: int) -> str:
        return f"http://127.0.0.1:{self.port[port]}"

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace what stands in a file, once or more."""
        file = self.root / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        replace(file, text.replace(old, new))

    def version(self, version: str, path: str = "backend/src/version.ts") -> None:
        """What the next build will say; with ``backend/dist/version.js`` the next process."""
        file = self.root / path
        replace(file, re.sub(r"'[^']*'", f"'{version}'", file.read_text()))

    def build(self, part: str) -> None:
        _npm(self.root / part, "run", "build")

    def says(self, port: int = 3000, path: str = "/api/state") -> dict[str, Any]:
        """What the API says of itself, asked at the API or through the page's server, else {}."""
        try:
            with urllib.request.urlopen(self.url(port) + path, timeout=60) as answer:
                found: dict[str, Any] = json.load(answer)
        except (OSError, http.client.HTTPException):
            return {}
        return found

    def state(self, port: int = 3000) -> dict[str, Any]:
        """The same, waited for: what is ready without a probe need not listen yet."""
        return until(lambda: self.says(port), what=f"{port} answers")

    def switch(self, name: str, port: int = 3000) -> dict[str, Any]:
        """Have something go wrong: `leak/MIB` or `crash`."""
        request = urllib.request.Request(
            f"{self.url(port)}/api/switches/{name}",
            method="POST",
            headers={"X-CRM-Switch": self.word},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


def copy(built: Path, root: Path, ports: list[int]) -> Crm:
    """A copy of one that ``installed`` made, with these ports in place of ``PORTS``."""
    crm = Crm(root, dict(zip(PORTS, ports, strict=True)))
    shutil.copytree(built, root, ignore=shutil.ignore_patterns("node_modules"))
    for part in PARTS:
        _link(built / part / "node_modules", root / part / "node_modules")
    numbers = re.compile(r"\b(" + "|".join(map(str, PORTS)) + r")\b")
    for file in (crm.config(), *map(crm.config, PARTS), root / "frontend/vite.config.js"):
        text = numbers.sub(lambda match: str(crm.port[int(match[1])]), file.read_text())
        file.write_text(text.replace("@ESIGN_PRIVATE_KEY@", crm.key))
    for name in (".env", ".env.dev"):
        (root / "backend" / name).write_text(f"CRM_SWITCH={crm.word}\n")
    return crm


@contextmanager
def installed() -> Iterator[Path]:
    """The sources, installed and built. Raises NpmFailed.

    What npm installs is kept below ``~/.cache/recon-crm`` by what the lock files say, so that it
    is fetched once; it may be deleted freely.
    """
    with tempfile.TemporaryDirectory(prefix="recon-crm-") as home:
        built = Path(home) / "crm"
        shutil.copytree(SOURCES, built, ignore=shutil.ignore_patterns(*_NOT_SOURCES))
        for part in PARTS:
            _link(_modules(part), built / part / "node_modules")
            _npm(built / part, "run", "build")
        yield built


def _modules(part: str) -> Path:
    """The folder ``node_modules`` of a part, installed once."""
    told = subprocess.run(["node", "--version"], capture_output=True, check=True).stdout
    lock = (SOURCES / part / "package-lock.json").read_bytes()
    kept = _CACHE / f"{part}-{hashlib.sha256(told + lock).hexdigest()[:16]}"
    if not kept.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=_CACHE) as folder:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SOURCES / part / name, folder)
            _npm(Path(folder), "ci", "--no-audit", "--no-fund", "--loglevel=error")
            try:
                Path(folder, "node_modules").rename(kept)
            except OSError:
                if not kept.exists():  # else another session was quicker
                    raise
    return kept


def _npm(folder: Path, *arguments: str) -> None:
    command = ["npm", *arguments]
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        told = f"{' '.join(command)} in {folder.name}: exit {done.returncode}"
        failed = NotInstalled if arguments[0] == "ci" else NpmFailed
        raise failed(f"{told}\n{(done.stdout + done.stderr)[-2000:]}")


def _link(source: Path, target: Path) -> None:
    """A copy of the folder whose files are those of the source where the file system allows it."""
    if subprocess.run(["cp", "-al", source, target], capture_output=True, check=False).returncode:
        subprocess.run(["cp", "-a", "--no-target-directory", source, target], check=True)
