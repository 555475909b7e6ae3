"""What Kubernetes' own decoder reads in exported files; `kubectl --local` asks no server."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.convert.kubernetes.objects import Target, export
from tests.convert.engines.samples import SAMPLES, workload

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="SKIPPED: no kubectl")

TRICKY = [
    *("no", "1e3", "22:22", "0o7", "012", ".1_5", "~", "null", "$(A)", "$$", "<<", "="),
    *("é😀\u2028\x7f\ttab\n", "\ufffe"),
]


def test_kubernetes_reads_what_was_meant(tmp_path: Path) -> None:
    env = {f"V{number}": text for number, text in enumerate(TRICKY)}
    apps = [workload("App", "tricky", env=env, command=["serve", *TRICKY])]
    for kind, samples in SAMPLES.items():
        for number, (_, spec) in enumerate(samples.values()):
            apps.append(workload(kind, f"{kind.lower()}-{number}", **spec))
    text = "---\n".join(export(apps, Target()).files.values())
    file = tmp_path / "all.yaml"
    file.write_text(text)
    command = ["kubectl", "annotate", "--local", "-f", str(file), "x=y", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [*lacking([*yaml.safe_load_all(text)], [*documents(done.stdout)])] == []


def documents(text: str) -> Iterator[Any]:
    decoder, text = json.JSONDecoder(), text.lstrip()
    while text:
        found, end = decoder.raw_decode(text)
        yield found
        text = text[end:].lstrip()


def lacking(meant: Any, read: Any, path: str = "") -> Iterator[str]:
    """Places where something else was read, or nothing. Empty values may be left out."""
    if isinstance(meant, dict) and isinstance(read, dict):
        for name, value in meant.items():
            if name in read or value not in ({}, [], 0, "", False):
                yield from lacking(value, read.get(name), f"{path}.{name}")
    elif isinstance(meant, list) and isinstance(read, list) and len(meant) == len(read):
        for one, other in zip(meant, read, strict=True):
            yield from lacking(one, other, path)
    elif meant != read:
        yield path
