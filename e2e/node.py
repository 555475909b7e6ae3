"""Real Node programs for the tests, and whether this machine has what they need."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node in PATH")
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="no npm in PATH")

PLAIN = """\
const body = `${process.env.GREETING || 'hello'} ${process.pid}`;
require('http').createServer((request, response) => {
  response.setHeader('Content-Length', body.length);
  if (request.url === '/health') return response.end(body);
  setTimeout(() => response.end(body), Math.random() * 5);
}).listen(Number(process.env.PORT));
"""

EXPRESS = """\
const app = require('express')();
const body = `${process.env.GREETING || 'hello'} ${process.pid}`;
app.get('/health', (request, response) => response.send('ok'));
app.get('/', (request, response) => setTimeout(() => response.send(body), Math.random() * 5));
app.listen(Number(process.env.PORT), () => console.log('listening'));
"""


def install(folder: Path, program: str, *packages: str) -> None:
    """A project with ``npm run start``. Skips the test where the registry cannot be reached."""
    folder.mkdir()
    (folder / "server.js").write_text(program)
    scripts = {"start": "node server.js"}
    (folder / "package.json").write_text(json.dumps({"name": "site", "scripts": scripts}))
    if not packages:
        return
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *packages]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install {', '.join(packages)} here: {done.stderr[:200]}")
