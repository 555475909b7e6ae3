"""A field's place is where a person would put the cursor to change it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.desired.text.locate import NOWHERE, place_of

TEXT = """\
apiVersion: recon/v1
kind: App
metadata: {name: other}
spec: {command: [x]}
---
apiVersion: recon/v1
kind: App
metadata:
  name: web
spec:
  command: [node, main.js]
  env:
    A: x
    with.dot: y
  profiles:
    dev: {env: {A: z}}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "web.yaml"
    path.write_text(TEXT)
    return str(path)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        *(("command", (11, 3)), ("env.A", (13, 5)), ("env.with.dot", (14, 5))),
        *(("env.GONE", (12, 3)), ("instances", (9, 9)), (("env", "A"), (13, 5))),
    ],
)
def test_a_field_is_found_and_else_what_is_around_it(
    file: str, path: str, place: tuple[int, int]
) -> None:
    assert place_of(file, "web", path) == place


def test_what_the_profile_in_force_says_is_found_there(file: str) -> None:
    assert place_of(file, "web", "env.A", "dev") == (16, 17)
    assert place_of(file, "web", "env.with.dot", "dev") == (14, 5)


def test_a_job_is_found_as_an_app_is(tmp_path: Path) -> None:
    path = tmp_path / "jobs.yaml"
    path.write_text(TEXT.replace("kind: App", "kind: Job"))
    assert place_of(str(path), "web", "env.A") == (13, 5)


def test_an_app_that_is_not_there_is_nowhere(file: str, tmp_path: Path) -> None:
    assert place_of(file, "gone", "command") == NOWHERE
    assert place_of(str(tmp_path / "gone.yaml"), "web", "command") == NOWHERE
    Path(file).write_bytes(b"[\xff")
    assert place_of(file, "web", "command") == NOWHERE
