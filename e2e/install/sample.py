"""The sample manifests, run by an installed recon from outside this repository."""

from __future__ import annotations

import shutil
from pathlib import Path

from e2e.harness import Recon
from e2e.install.built import ROOT
from reconciler import __version__
from tests.waiting import until


def run_sample(recon: Recon, program: Path, port: int) -> None:
    """Run the sample until it is ready, look at it, stop it: all by ``program``."""
    recon.program = program
    assert recon.cli("--version") == f"recon {__version__}\n"
    assert "apply" in recon.cli("--help")

    shutil.copytree(ROOT / "manifests", recon.manifests, dirs_exist_ok=True)
    web = recon.manifests / "web.yaml"
    web.write_text(web.read_text().replace("8080", str(port)))
    assert "3 apps" in recon.cli("validate")

    recon.run()
    recon.healthy("worker", ready=1)
    recon.healthy("web", ready=2)
    assert recon.controller is not None
    commands = Path(f"/proc/{recon.controller.pid}/cmdline").read_bytes().decode()
    assert str(program.parent) in commands, "another recon than the installed one ran"
    assert "Healthy" in recon.cli("status", "web")
    recon.cli("down")
    until(lambda: recon.controller is None or recon.controller.poll() is not None, what="it ends")
