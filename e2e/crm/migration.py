"""From the user's PM2 files to manifests, and the edits that the documentation advises."""

from __future__ import annotations

from e2e.crm.project import Crm
from e2e.harness import Recon


def import_production(recon: Recon, crm: Crm) -> None:
    """The API with its key from its own PM2 file, the page from the one for all."""
    recon.cli("import", "pm2", crm.config("backend"), "--only", "backend-prod")
    recon.cli("import", "pm2", crm.config(), "--only", "frontend-prod")


def share(recon: Recon, crm: Crm, app: str, port: int, path: str) -> None:
    """What docs/import.md advises: a socket of recon's, and a probe, in place of a gap."""
    number = crm.port[port]
    shared = (
        f"sockets: [{{name: http, port: {number}}}]\n"
        f"  readinessProbe: {{httpGet: {{path: {path}, port: {number}}}, periodSeconds: 1}}"
    )
    edit(recon, app, "strategy: {maxSurge: 0}", shared)


def edit(recon: Recon, app: str, old: str, new: str) -> None:
    """Edit a manifest, as somebody would."""
    path = recon.manifests / f"{app}.yaml"
    text = path.read_text()
    assert text.count(old) == 1, text
    recon.write(path.name, text.replace(old, new))


def roll_out(recon: Recon, app: str, number: int) -> None:
    """An edit that changes nothing for the program, but replaces its processes."""
    before = recon.pids(app)
    node = "    NODE_ENV: production\n"
    edit(recon, app, node, f"{node}    EDIT_{number}: {number}\n")
    recon.cli("apply")
    assert recon.pids(app) != before
