"""What `recon export kubernetes` writes runs: podman plays it, a Pod and two Deployments."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.harness import Recon
from e2e.install import podman
from e2e.install.podman import Podman
from tests.waiting import until

IMAGE = "localhost/tiny:latest"
_BOX = "/bin/busybox"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """With an image of busybox alone."""
    if why := podman.lacking() or _no_busybox():
        pytest.skip(f"SKIPPED: exported Deployments are not run: {why}")
    home = tmp_path_factory.mktemp("podman")
    tree = home / "tree"
    for name in ("bin", "dev", "etc", "proc", "run", "sys", "tmp"):
        (tree / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", tree / "bin")
    (tree / "bin/sh").symlink_to("busybox")
    (tree / "etc/page").write_text("here\n")
    subprocess.run(["tar", "-cf", home / "tree.tar", "-C", tree, "."], check=True)
    with closing(Podman()) as engine:
        engine("import", home / "tree.tar", IMAGE)
        yield engine


def _no_busybox() -> str:
    found = shutil.which("busybox")
    if found is None:
        return "busybox is not installed (busybox-static)"
    linked = subprocess.run(["ldd", found], capture_output=True, text=True, check=False)
    return "" if linked.returncode else "busybox is not static (busybox-static)"


def test_a_deployment_runs_with_its_secret_and_its_probe(
    engine: Podman, recon: Recon, unused_port: int, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("s3cret")
    page = f"http://127.0.0.1:{unused_port}/page"
    serve = f'echo "$COLOR $TOKEN"; exec {_BOX} httpd -f -p 127.0.0.1:{unused_port} -h /etc'
    recon.app(
        "web",
        [_BOX, "sh", "-c", serve],
        image=IMAGE,
        env={"TOKEN": {"secretFile": str(tmp_path / "token")}, "COLOR": "green"},
        livenessProbe={"exec": {"command": [_BOX, "wget", "-q", "-O", "/dev/null", page]}},
    )
    sleeper = [_BOX, "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
    recon.app("sleeper", sleeper, image=IMAGE)
    objects = _exported(recon, tmp_path)
    _give_secret(engine, tmp_path, next(one for one in objects if one["kind"] == "Secret"))

    deployments = [one for one in objects if one["kind"] == "Deployment"]
    assert len(deployments) == 2
    _play(engine, tmp_path, deployments)
    assert engine("logs", "web-pod-0-web") == "green s3cret\n"
    assert "Up" in engine("ps", "--filter", "name=sleeper-pod-0-sleeper", "--format={{.Status}}")
    until(lambda: _is_well(engine, "web-pod-0-web"), what="the probe succeeds")
    engine("exec", "web-pod-0-web", _BOX, "rm", "/etc/page")
    assert not _is_well(engine, "web-pod-0-web"), "the probe finds whatever it asks for"
    engine("kube", "down", tmp_path / "played.yaml")


def test_the_template_of_a_deployment_is_a_pod_by_itself(
    engine: Podman, recon: Recon, tmp_path: Path
) -> None:
    recon.app(
        "once",
        [_BOX, "sh", "-c", 'echo "$WORD"; pwd; exec sleep 1000'],
        image=IMAGE,
        env={"WORD": "two words: $5"},
    )
    (deployment,) = _exported(recon, tmp_path)
    template = deployment["spec"]["template"]
    template["metadata"]["name"] = "single"
    _play(engine, tmp_path, [{"apiVersion": "v1", "kind": "Pod", **template}])
    until(lambda: engine("logs", "single-once") == "two words: $5\n/\n", what="its output")
    engine("kube", "down", tmp_path / "played.yaml")


def _exported(recon: Recon, tmp_path: Path) -> list[dict[str, Any]]:
    folder = tmp_path / "objects"
    recon.cli("export", "kubernetes", "-o", folder, "--secrets")
    files = sorted(folder.glob("*.yaml"))
    return [one for file in files for one in yaml.safe_load_all(file.read_text()) if one]


def _give_secret(engine: Podman, tmp_path: Path, secret: dict[str, Any]) -> None:
    """podman before 4.4 reads its own form of a Secret only, and later ones Kubernetes'."""
    version = engine("version", "--format", "{{.Client.Version}}").split(".")
    is_old = (int(version[0]), int(version[1])) < (4, 4)
    file = tmp_path / "secret.json"
    file.write_text(json.dumps(secret["data"] if is_old else secret))
    os.chmod(file, 0o600)
    engine("secret", "create", secret["metadata"]["name"], file)


def _play(engine: Podman, tmp_path: Path, objects: list[dict[str, Any]]) -> None:
    (tmp_path / "played.yaml").write_text(yaml.safe_dump_all(objects))
    engine("kube", "play", "--network", "host", tmp_path / "played.yaml")


def _is_well(engine: Podman, name: str) -> bool:
    """podman would have systemd ask the probe again and again; here it is asked by hand."""
    return "unhealthy" not in (said := engine("healthcheck", "run", name, code=None)) and not said
