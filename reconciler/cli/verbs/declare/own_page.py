"""The manifest by which recon runs its own page."""

from __future__ import annotations

import json
from pathlib import Path

from reconciler.cli.boot.program import program
from reconciler.cli.framework.errors import CliError
from reconciler.state.paths import StatePaths

_NAME = "dashboard.yaml"
_TEXT = """\
# recon's own page, on this host only. `recon dashboard` prints a link that opens it.
apiVersion: recon/v1
kind: App
metadata:
  name: dashboard
spec:
  command: {command}
  strategy: {{type: Recreate}}    # the next process needs the port of the one before
  readinessProbe:
    httpGet: {{path: /static/page/icon.svg, port: {port}}}
  limits: {{memory: 300Mi}}
"""
_PORT = 7333


def write_page(root: Path, paths: StatePaths) -> Path:
    """Write the manifest into this directory of manifests; where it is now. CliError where a file
    of that name exists."""
    words = [*program(), "dashboard", "--listen", f"127.0.0.1:{_PORT}"]
    words += ["--state-dir", str(paths.root)]
    root.mkdir(parents=True, exist_ok=True)
    file = root / _NAME
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(_TEXT.format(command=json.dumps(words), port=_PORT))
    except FileExistsError:
        raise CliError(f"{file} already exists; nothing was written") from None
    return file
