"""Dotenv files: what recon gives a program is what python-dotenv reads, or a refusal."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from dotenv import dotenv_values

from reconciler.desired.environment.dialects import differences
from reconciler.desired.environment.variables import read_secrets
from reconciler.desired.manifest.surroundings import Surroundings, Unresolvable
from reconciler.model.spec.manifest import AppSpec

SEEDS = (
    b"A=1\nexport B='x y' # c\nC=\"a\\nb\"\n\n# comment\nD=\n",
    b"A=`x`\r\nB = 2\r\nC='multi\nline'\n",
    b'\xef\xbb\xbfA=a#b\nB="${A}"\n E=\tx\n',
)


def check(data: bytes) -> None:
    """Read the file as an app's `envFrom`, and with python-dotenv."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        file = Path(folder, ".env")
        file.write_bytes(data)
        spec = AppSpec.model_validate({"command": ["a"], "envFrom": [str(file)]})
        around = Surroundings({}, b"k" * 32, environ_is_own=False)
        try:
            read = read_secrets(spec, around) or {}
        except Unresolvable as error:
            assert str(error).strip()
            return
    text = data.decode()
    expected = dotenv_values(stream=io.StringIO(text), interpolate=False)
    assert read == {name: value or "" for name, value in expected.items()}, (read, expected)
    lines = 1 + text.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    for one in differences(text):
        assert 1 <= one.line <= lines and one.name in read, one
