"""The image of packaging/Dockerfile: recon as PID 1 of a container."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from e2e.harness import manifest
from e2e.install import chroot, podman
from e2e.install.built import ROOT
from e2e.install.podman import Podman
from e2e.install.release_check import only_for_a_release
from reconciler import __version__
from tests.waiting import until

_BASE = ("python3", "python3-pip", "python3-venv", "pipx", "ca-certificates")
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture(scope="module")
def engine() -> Iterator[Podman]:
    """With the image recon. Its base is a Debian of mmdebstrap, since a test asks no registry."""
    only_for_a_release("recon as PID 1 of a container")
    if why := podman.lacking() or chroot.lacking():
        pytest.skip(f"SKIPPED: {why}")
    with closing(Podman()) as engine:
        try:
            engine("import", chroot.base("bookworm", _BASE), "localhost/base")
        except SystemExit as error:
            pytest.skip(f"SKIPPED: {error}")
        settings = [f"--env={k}={v}" for k, v in os.environ.items() if k.startswith("PIP_")]
        for place in (_CERTIFICATES, "/etc/pip.conf"):
            settings += [f"--volume={place}:{place}:ro"] if os.path.exists(place) else []
        words = ["--tag", "localhost/recon", "--build-arg", "BASE=localhost/base", *settings]
        words += ["--file", str(ROOT / "packaging/Dockerfile"), "--network", "host", str(ROOT)]
        engine("build", *words)
        yield engine


def test_it_runs_what_is_declared_reaps_orphans_and_stops_all_by_sigterm(
    engine: Podman, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir(mode=0o777)
    program = "trap 'echo stopped >/notes/end; exit' TERM; echo up; while :; do sleep 0.1; done"
    orphans = "(sleep 0.1 &) ; exec sleep 100000"
    (tmp_path / "apps.yaml").write_text(
        manifest("web", ["sh", "-c", program]) + "\n---\n" + manifest("fork", ["sh", "-c", orphans])
    )
    volumes = (f"--volume={tmp_path}:/etc/recon/manifests:ro", f"--volume={notes}:/notes")
    engine("run", "--detach", "--name", "box", *volumes, "localhost/recon")
    try:
        until(lambda: "Healthy" in _status(engine), what="the app is healthy")
        until(lambda: " Z" not in engine("top", "box", "state", "pid"), what="orphans are reaped")
        began = time.monotonic()
        engine("stop", "--time", "60", "box")
        assert time.monotonic() - began < 60, "it was killed"
        assert (notes / "end").read_text() == "stopped\n"
        code = engine("inspect", "--format", "{{.State.ExitCode}}", "box").strip()
        assert code == "0", engine("logs", "box")
        assert "all apps are stopped" in engine("logs", "box")
    finally:
        engine("rm", "--force", "--time", "1", "box")


def _status(engine: Podman) -> str:
    return engine("exec", "box", "recon", "status", "web", code=None)


def test_another_verb_is_a_word_behind_the_image(engine: Podman) -> None:
    assert engine("run", "--rm", "localhost/recon", "--version") == f"recon {__version__}\n"
