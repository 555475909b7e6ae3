"""What is masked in a sentence, and what is not."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.checks.redact import Guarded, Redactor
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import DesiredApp, Source
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Ended
from reconciler.model.state.observed import Exit
from reconciler.state.history import History
from reconciler.state.journal.journal import Journal

SECRET = 'p"w\\d/ä+?& 99'
FILE = {"secretFile": "/s"}


def redactor(*values: str | bytes, **dotenv: str) -> Redactor:
    """One that knows values of files, and of dotenv files by their names."""
    env: dict[str, Any] = {f"V{index}": FILE for index in range(len(values))}
    spec = AppSpec.model_validate({"command": ["x"], "env": env})
    secrets: dict[str, str | bytes] = {**dict(zip(env, values, strict=True)), **dotenv}
    made = Redactor()
    made.learn(DesiredApp("web", spec, "hash", Source("/web.yaml", 1), secrets=secrets))
    return made


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        repr(SECRET),
        repr(SECRET.encode()),
        json.dumps(SECRET),
        json.dumps({"password": SECRET}, ensure_ascii=False),
        quote(SECRET),
        f"https://x/?q={quote(SECRET, safe='')}",
        f"{SECRET}{SECRET}",
    ],
)
def test_a_secret_is_masked_however_it_is_written(text: str) -> None:
    told = redactor(SECRET)(f"the probe said {text}, and so on")
    assert "99" not in told and "***" in told
    assert told.startswith("the probe said ") and told.endswith(", and so on")


def test_each_line_of_a_secret_is_one() -> None:
    redact = redactor("-----BEGIN X-----\nline-one-of-it\r\n  line-two-of-it\n")
    assert redact("a line-two-of-it b\nline-one-of-it") == "a *** b\n***"


@pytest.mark.parametrize("length", [8, 12, 20, 40, 400])
def test_what_was_cut_is_masked_as_far_as_it_is_a_piece(length: int) -> None:
    secret = "".join(chr(ord("a") + (n * n * 7 + n // 3) % 26) for n in range(length))
    redact, least = redactor(secret), max(8, min(16, -(-length // 2)))
    for cut in range(least, length + 1):
        assert redact(f"it begins with {secret[:cut]}…") == "it begins with ***…"
        assert redact(f"…{secret[-cut:]} it ends") == "…*** it ends"


def test_a_word_that_is_also_a_value_stays_a_word() -> None:
    redact = redactor(
        "short77",
        NODE_ENV="production",
        ROOT="/srv/backend/dist",
        HOST="db.example.com:5432",
        URL="https://app.example.com/x",
        VERSION="2024.08.17",
        PATH="/usr/local/bin:/usr/bin",
    )
    for text in (
        "cannot start /srv/backend/dist/run: no such file",
        "in production, db.example.com:5432 is closed",
        "short77 https://app.example.com/x 2024.08.17 /usr/local/bin:/usr/bin",
    ):
        assert redact(text) == text


def test_a_name_that_tells_makes_any_value_a_secret() -> None:
    redact = redactor(DB_PASSWORD="production", SLACK="T0k3n-of-slack", MOTTO="a b c d e f g")
    assert redact("production T0k3n-of-slack a b c d e f g") == "*** *** ***"


def test_an_earlier_value_stays_known_and_bytes_are_read_as_text() -> None:
    redact = redactor(b"first-value\n\xff")
    spec = AppSpec.model_validate({"command": ["x"], "env": {"V0": FILE}})
    secrets = {"V0": "second-value"}
    redact.learn(DesiredApp("web", spec, "hash", Source("/web.yaml", 1), secrets=secrets))
    assert redact("first-value second-value third-value") == "*** *** third-value"


@given(st.text(min_size=8), st.text(), st.text())
def test_no_secret_passes(secret: str, before: str, after: str) -> None:
    told = redactor(secret)(before + secret + after)
    for line in secret.splitlines():
        if len(line.strip()) >= 8 and line.strip() not in before + after + "***":
            assert line.strip() not in told


@given(st.text("ab ", max_size=60))
def test_what_holds_no_secret_passes_unchanged(text: str) -> None:
    assert redactor("0123456789abcdef")(text) == text


def test_the_cost_does_not_grow_with_the_number_of_secrets() -> None:
    few, many = redactor("secret-0-padding"), redactor(*(f"secret-{n}-pad" for n in range(20_000)))
    text = "started pid 4711 (revision 3), a common sentence without any of it " * 3

    def took(redact: Redactor) -> float:
        began = time.perf_counter()
        for _ in range(300):
            redact(text)
        return time.perf_counter() - began

    assert min(took(many) for _ in range(5)) < 20 * min(took(few) for _ in range(5))


# -- where it stands -----------------------------------------------------------------------------


def test_events_and_faults_are_masked_before_they_are_kept(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    journal = Journal(tmp_path / "recon.db", "boot")
    history = History(journal, loop, lambda name: None, redactor("s3cret-s3cret"))
    heard: list[str] = []
    history.listen(lambda recorded: heard.append(recorded.event.message))
    history.record(Event("web", "Unhealthy", "it said s3cret-s3cret"))
    ended = Ended("hash", Exit(None), 1.0, 1, None, fault="no s3cret-s3cret")
    history.remember("web", AppMemory(ended={0: ended}))
    assert history.events()[0].event.message == heard[0] == "it said ***"
    assert history.memory("web").ended[0].fault == "no ***"
    history.close()
    loop.close()
    for file in tmp_path.iterdir():
        assert b"s3cret" not in file.read_bytes()


def test_a_traceback_on_stderr_is_masked_whole_lines_at_a_time() -> None:
    out = io.StringIO()
    guarded: Any = Guarded(out, redactor("s3cret-s3cret"))
    try:
        raise ValueError("it was s3cret-s3cret")
    except ValueError:
        traceback.print_exc(file=guarded)
    print("s3cret", end="", file=guarded)
    print("-s3cret in pieces", file=guarded)
    print("no newline: s3cret-s3cret", end="", file=guarded, flush=True)
    told = out.getvalue()
    assert "s3cret" not in told and told.count("***") == 4  # one is the line of code
    assert "ValueError: it was ***\n" in told


def test_a_crash_shows_no_secret_of_the_controller() -> None:
    """In a process of its own: an exception that nobody catches, and what asyncio reports."""
    code = """
import asyncio, sys, threading
from tests.checks.test_redact import redactor
from reconciler.checks.redact import guard
guard(redactor("s3cret-s3cret"))
async def main():
    local = "s3cret-s3cret"
    asyncio.get_running_loop().call_soon(int, local)
    await asyncio.sleep(0)
    thread = threading.Thread(target=int, args=(local,)); thread.start(); thread.join()
    raise RuntimeError(local)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "RuntimeError: ***" in done.stderr
    assert "s3cret" not in done.stderr.replace('"s3cret-s3cret"', ""), done.stderr
    assert done.stderr.count("***") >= 3
